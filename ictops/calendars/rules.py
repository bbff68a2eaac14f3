"""What a site adds to its council's calendar: the site's own variables, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ictops.calendars.localtime import MINUTES_A_DAY
from ictops.errors import CalendarError
from ictops.estate.models import Site

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip

Span = tuple[int, int]
"""Local minutes of the day, start and end; an end of more than 1440 is on the next day."""

WHOLE_DAY: Span = (0, MINUTES_A_DAY)
WORKING_HOURS: Mapping[Weekday, Span] = dict.fromkeys(WEEKDAYS[:5], (450, 1050))
"""07:30 to 17:30 from Monday to Friday, where a site says nothing else."""

OTHER_VARIABLES = frozenset({
    "site_name", "site_phase", "site_timezone", "site_calendar", "site_subnets",
})  # fmt: skip
"""What ictops reads of a site beside the rules of its calendar."""

_HOURS = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)$")
_LIKE_OURS = 0.85


def _hours(value: object) -> Span:
    found = _HOURS.match(str(value))
    start, end = (
        (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))
        if found
        else (0, 0)
    )
    if start == end or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f"{value!r} is not hours like 08:00-17:00")
    return (start, end) if end > start else (start, end + MINUTES_A_DAY)


def _working_hours(value: object) -> Span | None:
    if value == "closed":
        return None
    hours = _hours(value)
    if hours[1] > MINUTES_A_DAY:
        raise ValueError(f"{value!r} ends before it starts")
    return hours


def _day(value: object) -> date:
    """Take a date as YAML gives it, or as text; a number would be taken as seconds."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{str(value)!r} is no date like 2026-10-26") from None


Hours = Annotated[Span, BeforeValidator(_hours)]
WorkingHours = Annotated[Span | None, BeforeValidator(_working_hours)]
Day = Annotated[date, BeforeValidator(_day)]


class NamedDays(BaseModel):
    """Days from ``start`` to ``end``, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    start: Day
    end: Day

    @model_validator(mode="after")
    def _forwards(self) -> NamedDays:
        if self.end < self.start:
            raise ValueError(f"{self.name!r} ends before it starts")
        return self

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


class ChangeHours(BaseModel):
    """When changes may be made, by the kind of day; None: outside working hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    school_day: tuple[Hours, ...] | None = None
    inset: tuple[Hours, ...] | None = None
    weekend: tuple[Hours, ...] | None = None
    holiday: tuple[Hours, ...] = (WHOLE_DAY,)


class SiteRules(BaseModel):
    """A site's own part of its calendar; docs/calendars.md shows each of these variables."""

    model_config = ConfigDict(frozen=True)

    site_inset_days: frozenset[Day] = frozenset()
    site_freezes: tuple[NamedDays, ...] = ()
    site_extra_holidays: tuple[NamedDays, ...] = ()
    site_extra_school_days: tuple[NamedDays, ...] = ()
    site_working_hours: dict[Weekday, WorkingHours] = Field(default_factory=dict)
    site_change_hours: ChangeHours = ChangeHours()
    site_bank_holidays: Literal["ENG", "WLS", "SCT", "NIR"] = "ENG"

    @classmethod
    def of(cls, site: Site) -> SiteRules:
        """Read a site's variables.

        :raises CalendarError: naming the variable that is wrong, and where it stands.
        """
        faults = cls.faults(site)
        if faults:
            raise faults[0]
        return cls.model_validate(_ours(site, cls))

    @classmethod
    def faults(cls, site: Site) -> list[CalendarError]:
        """Give everything that is wrong with a site's variables, and where."""
        found = []
        known = {*cls.model_fields, *OTHER_VARIABLES}
        for name in sorted(set(site.variables) - known):
            near = get_close_matches(name, known, 1, _LIKE_OURS)
            if near:
                what = f"there is no variable {name}: did you mean {near[0]}?"
                found.append(_fault(site, name, what))
        try:
            cls.model_validate(_ours(site, cls))
        except ValidationError as error:
            found += [
                _fault(site, str(one["loc"][0]), _said(one))
                for one in error.errors(include_url=False)
            ]
        return found

    def working_hours(self, weekday: int) -> Span | None:
        """Give when staff need the machines on a weekday (0 is Monday); None: never."""
        name = WEEKDAYS[weekday]
        return self.site_working_hours.get(name, WORKING_HOURS.get(name))

    def change_hours(self, kind: str, weekday: int) -> tuple[Span, ...]:
        """Give the local hours in which a day of this kind may be changed."""
        hours = self.site_change_hours
        if kind in {"holiday", "bank holiday"}:
            return hours.holiday
        given = {"inset": hours.inset, "weekend": hours.weekend}.get(kind, hours.school_day)
        if given is not None:
            return given
        work = self.working_hours(weekday)
        if work is None:
            return (WHOLE_DAY,)
        around = ((0, work[0]), (work[1], MINUTES_A_DAY))
        return tuple(span for span in around if span[0] < span[1])


def _ours(site: Site, rules: type[SiteRules]) -> dict[str, object]:
    return {name: value for name, value in site.variables.items() if name in rules.model_fields}


def _fault(site: Site, name: str, what: str) -> CalendarError:
    where = site.places.get(name, str(site.source))
    return CalendarError(what, where=where, do="docs/calendars.md shows the variables of a site")


def _said(error: Any) -> str:
    """Say what pydantic found in the words of whoever wrote the variables."""
    name, *path = error["loc"]
    parts = [f"item {part + 1}" if isinstance(part, int) else str(part) for part in path]
    what = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        what = f"'{parts.pop()}' is missing"
    elif error["type"] == "extra_forbidden":
        what = f"'{parts.pop()}' is no word for this"
    return (
        ", ".join([f"variable {name}", *(part for part in parts if part != "[key]")]) + f": {what}"
    )
