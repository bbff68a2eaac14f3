"""What an engine is given to carry a run by, and what it tells those who watch."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ictops.calendars.window import Window
from ictops.estate.models import Place
from ictops.running.messages import Order, Report


class Executor(Protocol):
    """Runs shards, here or far away; the same messages either way."""

    reports: queue.Queue[Report]

    def start(self, order: Order) -> None: ...

    def cancel(self) -> None: ...

    def forget(self, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person who watches would want to see."""

    site: str
    """Empty where it is about the whole run."""
    what: Literal["start", "host", "site", "wait", "note", "progress"]
    text: str
    host: str = ""
    outcome: str = ""
    """Of a host or a site; of progress, the step that the host is in."""
    percent: int | None = None
    """How far the host's present step is."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run is carried by, beside its plan."""

    strategy: Literal["resident", "linear"]
    forks: int
    windows: Mapping[str, list[Window]]
    """The windows of each site, or one open one where a person overrode them."""
    places: Mapping[str, Place]
    """Where each host is."""
    macs: Mapping[str, str] = field(default_factory=dict)
    """The MAC of each host where it is known."""
    wake: Callable[[str, list[str]], None] = lambda _site, _macs: None
    """Sends wake-on-LAN to these MACs at a site."""
    notice: Callable[[Notice], None] = lambda _notice: None
    wait_for_windows: bool = True
    """Whether to sit through closed windows, or to give the run back until one opens."""
