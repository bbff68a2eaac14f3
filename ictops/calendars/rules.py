"""What a site adds to its council's calendar: the site's own variables, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ictops.errors import CalendarError

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip

_HOURS = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")


def _minutes(text: object) -> object:
    found = _HOURS.match(str(text))
    if found is None:
        raise ValueError(f"{text!r} is not hours like 08:00-17:00")
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start > 1440 or end > 1440 or start == end:  # noqa: PLR2004 - minutes of a day
        raise ValueError(f"{text!r} is not hours like 08:00-17:00")
    return (start, end)


Hours = Annotated[tuple[int, int], BeforeValidator(_minutes)]
"""Local minutes of the day, start and end; an end before the start is on the next day."""


class Freeze(BaseModel):
    """Days on which nothing may be changed, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    start: date
    end: date

    @model_validator(mode="after")
    def _forwards(self) -> Freeze:
        if self.end < self.start:
            raise ValueError(f"freeze {self.name!r} ends before it starts")
        return self


class ChangeHours(BaseModel):
    """When changes may be made, by the kind of day; None: the rule of docs/calendars.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    school_day: tuple[Hours, ...] | None = None
    inset: tuple[Hours, ...] | None = None
    holiday: tuple[Hours, ...] = ((0, 1440),)
    weekend: tuple[Hours, ...] = ((0, 1440),)


class SiteRules(BaseModel):
    """A site's own part of its calendar."""

    model_config = ConfigDict(frozen=True)

    site_inset_days: frozenset[date] = frozenset()
    site_freezes: tuple[Freeze, ...] = ()
    site_extra_holidays: tuple[Freeze, ...] = ()
    site_working_hours: dict[Weekday, Hours] = Field(
        default_factory=lambda: dict.fromkeys(WEEKDAYS[:5], (450, 1050))  # 07:30 to 17:30
    )
    site_change_hours: ChangeHours = ChangeHours()
    site_bank_holidays: Literal["ENG", "WLS", "SCT", "NIR"] = "ENG"

    @classmethod
    def of(cls, site: str, variables: Mapping[str, object]) -> SiteRules:
        """Read a site's variables.

        :raises CalendarError: naming the site and the variable that is wrong.
        """
        known = {key: value for key, value in variables.items() if key in cls.model_fields}
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise CalendarError(
                f"variable {name}: {first['msg']}",
                where=f"site {site}",
                do="docs/calendars.md shows each of them",
            ) from error

    def change_hours(self, kind: str, weekday: int) -> tuple[Hours, ...]:
        """Give the local hours in which a day of this kind may be changed."""
        hours = self.site_change_hours
        if kind in {"holiday", "bank holiday"}:
            return hours.holiday
        if kind == "weekend":
            return hours.weekend
        given = hours.inset if kind == "inset" else hours.school_day
        if given is not None:
            return given
        work = self.site_working_hours.get(WEEKDAYS[weekday])
        if work is None:
            return ((0, 1440),)
        return tuple(span for span in ((0, work[0]), (work[1], 1440)) if span[0] < span[1])


def at(minutes: int) -> tuple[timedelta, time]:
    """Give minutes of a day as whole days and a time: 1440 is the next midnight."""
    days, rest = divmod(minutes, 1440)
    return timedelta(days=days), time(rest // 60, rest % 60)
