"""Who is told of what, as ``notify.yml`` says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from ictops.store.alarm_records import Severity

SEVERITIES: tuple[Severity, ...] = ("urgent", "warning", "info")
"""The most severe first."""

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of each day in local time; the last moment is no longer one of them."""

    start: time
    end: time

    def __contains__(self, moment: time) -> bool:
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end  # over midnight


def _clock(value: Any) -> Any:
    if isinstance(value, time):
        return value
    found = _CLOCK.match(str(value))
    if found is None:
        raise ValueError("a time of day is written such as 07:30")
    return time(int(found[1]), int(found[2]))


def _hours(value: Any) -> Any:
    if value is None or isinstance(value, Quiet):
        return value
    start, dash, end = str(value).partition("-")
    if not dash:
        raise ValueError("hours are written such as 21:00-07:00")
    quiet = Quiet(_clock(start.strip()), _clock(end.strip()))
    if quiet.start == quiet.end:
        raise ValueError("these hours begin when they end")
    return quiet


def _sites(value: Any) -> Any:
    if value == "all":
        return None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("sites is 'all', or a list of sites' codes")
    return value


class Route(BaseModel):
    """One way to people, and what they want to hear by it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: SecretStr
    """Where to, as apprise writes it; most hold a token or a password."""
    sites: Annotated[tuple[str, ...] | None, BeforeValidator(_sites)] = None
    """Their codes; None: all, and what concerns no single site."""
    severity: Severity = "warning"
    """The least that is told."""
    summary: Annotated[time, BeforeValidator(_clock)] = time(7, 30)
    """When the daily summary is sent, in the route's zone."""
    quiet: Annotated[Quiet | None, BeforeValidator(_hours)] = None
    """When nothing is sent but what is urgent."""
    quiet_urgent: bool = False
    """Whether what is urgent waits for the end of the quiet hours too."""
    zone: str = "Europe/London"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("this is no time zone; one is Europe/London") from error
        return value

    @model_validator(mode="after")
    def _summary_outside_quiet(self) -> Route:
        if self.quiet is not None and self.summary in self.quiet:
            raise ValueError("the daily summary falls into the quiet hours")
        return self

    @property
    def severities(self) -> tuple[Severity, ...]:
        """What is told, the most severe first."""
        return SEVERITIES[: SEVERITIES.index(self.severity) + 1]

    def local(self, moment: datetime) -> datetime:
        """Give a moment by the route's own clock."""
        return moment.astimezone(ZoneInfo(self.zone))

    def may_send(self, now: datetime, *, urgent: bool) -> bool:
        """Tell whether something may be sent now."""
        if self.quiet is None or self.local(now).time() not in self.quiet:
            return True
        return urgent and not self.quiet_urgent


class Notify(BaseModel):
    """All of ``notify.yml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    routes: tuple[Route, ...] = ()
    heartbeat: SecretStr | None = None
    """What is asked for by HTTP at the end of a tick, so that silence is noticed."""
    heartbeat_every: int = Field(default=5, ge=1, le=24 * 60)
    """Minutes."""

    @field_validator("heartbeat")
    @classmethod
    def _by_http(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"https?://[^/\s]+\S*\Z", value.get_secret_value()):
            raise ValueError("a heartbeat is an address that begins with https:// or http://")
        return value

    @field_validator("routes")
    @classmethod
    def _told_once(cls, value: tuple[Route, ...]) -> tuple[Route, ...]:
        names = [route.name for route in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two routes are called {twice[0]}")
        if value and all(route.sites is not None for route in value):
            raise ValueError(
                "nobody would hear of what concerns no single site: one route needs 'sites: all'"
            )
        return value

    def route(self, name: str) -> Route | None:
        """Give the route of this name."""
        return next((route for route in self.routes if route.name == name), None)
