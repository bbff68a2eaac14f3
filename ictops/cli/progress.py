"""A run as it goes: a bar a site in a terminal, and a host at work; plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from ictops.cli.output import STYLES

FINAL = frozenset({"ok", "changed", "failed", "skipped"})
MOST_HOSTS = 20
"""Bars of hosts at once: more do not fit on a screen."""
LINE_SECONDS = 30.0
"""How often a host's progress is a line, where there are no bars; a new step always is one."""


class NoticeLike(Protocol):
    """What :class:`ictops.running.course.Notice` has; named here so as not to import it."""

    @property
    def site(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def percent(self) -> int | None: ...


class _Count(ProgressColumn):
    """Hosts that are done of a site; nothing of a host, whose own words tell it."""

    def render(self, task: Task) -> Text:
        if task.fields["host"] or task.total is None:
            return Text()
        return Text(f"{task.completed:.0f}/{task.total:.0f}")


class Show:
    """Shows each notice once, and how far each site is."""

    def __init__(
        self, console: Console, totals: Mapping[str, int], words: Mapping[str, str] | None = None
    ) -> None:
        """Begin with no host done.

        :param totals: hosts to do, by site.
        :param words: other words for outcomes, where theirs would mislead.
        """
        self._console = console
        self._words = words or {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            _Count(),
            TextColumn("{task.fields[now]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {
            site: self._progress.add_task(site, total=total, now="", host=False)
            for site, total in totals.items()
        }
        self._hosts: dict[str, TaskID] = {}
        self._told: dict[str, tuple[str, float]] = {}
        """Of each host at work, the step and the time of its last line."""

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the bars up while this lasts."""
        with self._progress:
            yield

    def __call__(self, notice: NoticeLike) -> None:
        bar = self._bars.get(notice.site)
        if notice.what == "progress":
            self._at_work(notice)
            return
        if notice.what == "host":
            self._forget(notice.host)
            if bar is not None and notice.outcome in FINAL:
                self._progress.advance(bar)
            text = notice.text.splitlines()[0] if notice.text else ""
            self._line(notice.site, notice.host, notice.outcome, text)
            return
        if bar is not None:
            self._progress.update(bar, now=notice.text)
        self._line(notice.site, "", notice.outcome or notice.what, notice.text)

    def _at_work(self, notice: NoticeLike) -> None:
        """Show how far a host is; nothing to say means that it has gone on to other work."""
        host, now = notice.host, time.monotonic()
        if not notice.text:
            self._forget(host)
        elif not self._progress.disable:
            if host not in self._hosts and len(self._hosts) < MOST_HOSTS:
                self._hosts[host] = self._progress.add_task(f"  {host}", now="", host=True)
            if host in self._hosts:
                known = notice.percent is not None
                self._progress.update(
                    self._hosts[host], total=100 if known else None, completed=notice.percent or 0,
                    now=notice.text,
                )  # fmt: skip
        else:
            step, at = self._told.get(host, ("", 0.0))
            if step != notice.outcome or now - at >= LINE_SECONDS:
                self._told[host] = (notice.outcome, now)
                self._line(notice.site, host, "at work", notice.text)

    def _forget(self, host: str) -> None:
        self._told.pop(host, None)
        bar = self._hosts.pop(host, None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _line(self, site: str, host: str, word: str, text: str) -> None:
        word = self._words.get(word, word)
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        self._console.print(
            Text.assemble(
                (f"{now} ", "dim"),
                f"{site:<12} ",
                (f"{word:<12}", STYLES.get(word, "")),
                " ".join(part for part in (host, text) if part),
            ),
            soft_wrap=True,
        )
