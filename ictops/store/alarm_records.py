"""Alarms and messages as frozen data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Literal

Severity = Literal["urgent", "warning", "info"]
DeliveryState = Literal["waiting", "sent", "dropped"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a person should know of, as one source sees it now."""

    key: str
    """A word that at most one alarm of a source has, the same for as long as it is the same
    trouble; a digest serves where it would be long."""
    severity: Severity
    text: str
    """One line for people, without the host's name: the same trouble of many is told once."""
    site: str = ""
    """Empty: it concerns no single site."""
    host: str = ""
    basis: str = ""
    """What decides, beside the severity, whether it has changed; empty: the text does."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", self.key):
            raise ValueError(f"{self.key!r} is no key of an alarm")

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of what the alarm has changed with when it changes."""
        return sha256(f"{self.severity}\0{self.basis or self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """An alarm from its beginning to its end."""

    id: int
    cluster: str
    source: str
    key: str
    site: str
    host: str
    severity: Severity
    text: str
    version: int
    """How often it has changed, and 1."""
    since: datetime
    changed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class News:
    """An alarm of which a route does not know yet how it is now."""

    alarm: AlarmRecord
    told: Severity | None
    """What the route was told that it is; None: nothing."""

    @property
    def ended(self) -> bool:
        return self.alarm.ended_at is not None


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent to a route, and the news that it tells."""

    urgent: bool
    title: str
    text: str
    news: tuple[News, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A message to a route, and whether it was sent."""

    id: int
    cluster: str
    route: str
    urgent: bool
    title: str
    text: str
    made_at: datetime
    state: DeliveryState
    tries: int
    next_try_at: datetime
    ended_at: datetime | None
    reason: str
    """Why the last try failed, without secrets; empty before and while it is sent."""

    def is_being_sent(self, now: datetime) -> bool:
        """Tell whether a process may be sending it now."""
        return bool(self.tries) and not self.reason and self.next_try_at > now


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """How far people are told by a route."""

    cluster: str
    route: str
    since: datetime
    """When the route was first seen."""
    summarised: date | None
    """The local day of the last daily summary, also where there was nothing to say."""
