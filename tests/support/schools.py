"""Two schools with a calendar, and an operation that a schedule may begin without hosts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from ictops.calendars.site import SiteCalendar, load_site_calendar
from ictops.errors import NoHosts
from ictops.estate.load import load_cluster
from ictops.operations import scheduled
from ictops.operations.scheduled import Operation
from ictops.operations.slots import Begun, begin_due, fill_ahead
from ictops.settings import Settings, load_settings
from ictops.store import tables as t
from ictops.store.journal import Journal
from ictops.store.records import MissedPolicy, PastSlot, RunRecord, Scheduled, ScheduleRecord
from ictops.store.slots import Slots

HALF_TERM = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Council//Term dates//EN
BEGIN:VEVENT
UID:1@example.invalid
DTSTAMP:20260101T090000Z
DTSTART;VALUE=DATE:20261026
DTEND;VALUE=DATE:20261031
SUMMARY:Half term
END:VEVENT
BEGIN:VEVENT
UID:2@example.invalid
DTSTAMP:20260101T090000Z
DTSTART;VALUE=DATE:20270329
DTEND;VALUE=DATE:20270410
SUMMARY:Easter holiday
END:VEVENT
END:VCALENDAR
"""
"""Changes are made outside 07:30-17:30 on weekdays, and at any time in holidays."""
MONDAY = datetime(2026, 11, 9, 12, 0, tzinfo=UTC)
"""A school day in the winter's time, at noon: no changes may be made."""


@dataclass
class Schools:
    """A cluster of schools, its journal, and a clock that the test sets."""

    folder: Path
    settings: Settings
    journal: Journal
    now: datetime
    begun: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Each run's id and sites, in the order in which they were begun."""
    before_begin: Callable[[], None] = lambda: None
    """What happens between a claim and its run."""

    @property
    def slots(self) -> Slots:
        return Slots(self.journal)

    @property
    def calendar(self) -> Path:
        return self.folder / "calendars" / "council.ics"

    def school(self, code: str, **variables: object) -> None:
        """Write a school's file."""
        said = {"site_calendar": "council", **variables}
        hosts = {f"{code}-sw-1": None}
        made = {f"site_{code}": {"hosts": hosts, "vars": said}, "switches": {"hosts": hosts}}
        (self.folder / f"{code}.yml").write_text(yaml.safe_dump(made))

    def calendar_of(self, code: str) -> SiteCalendar:
        cluster = load_cluster(self.folder, self.settings.cache_dir)
        return load_site_calendar(self.folder, cluster.site(code))

    def add(
        self,
        rule: str = "every night at 02:00",
        *,
        name: str = "nightly",
        sites: tuple[str, ...] = (),
        jitter: timedelta = timedelta(0),
        missed: MissedPolicy = "run-once",
        within: timedelta | None = None,
    ) -> ScheduleRecord:
        """Add a schedule now."""
        made = self.slots.add(
            cluster="demo", name=name, rule=rule, operation="test", sites=sites, limit=None,
            options={}, jitter=jitter, missed=missed, within=within, by="ann", at=self.now,
        )  # fmt: skip
        fill_ahead(self.journal, self.settings, made, self.now)
        return made

    def tick(self, at: datetime | None = None, journal: Journal | None = None) -> Begun:
        """Do what a tick does for schedules, at this moment."""
        self.now = at or self.now
        return begin_due(journal or self.journal, self.settings, self.now)

    def begin(
        self,
        journal: Journal,
        _settings: Settings,
        *,
        sites: tuple[str, ...],
        scheduled: Scheduled,
        **_: object,
    ) -> str:
        """Begin what a schedule asks for: a run of one host at each school."""
        self.before_begin()
        there = [code for code in sites if (self.folder / f"{code}.yml").exists()]
        if not there:
            raise NoHosts("there is no host to change")
        run = journal.create_run(
            operation="test", title="t", cluster="demo", plan="{}", by="schedule",
            plan_digest=secrets.token_hex(32), hosts=[(code, f"{code}-1", 0) for code in there],
            at=self.now, scheduled=scheduled,
        )  # fmt: skip
        self.begun.append((run, tuple(there)))
        return run

    def runs(self) -> list[RunRecord]:
        """Give all runs, the oldest first."""
        return self.journal.runs()[::-1]

    def history(self, site: str = "oak", name: str = "nightly") -> list[PastSlot]:
        """Give the slots of a school, the oldest first."""
        far = timedelta(days=30_000)
        found = self.slots.history(
            "demo", since=self.now - far, until=self.now + far, name=name, site=site
        )
        return found[::-1]

    def states(self, site: str = "oak") -> Mapping[str, str]:
        """Give what became of a school's slots, by their dates."""
        return {f"{one.date:%a %d}": one.state for one in self.history(site)}


def just_now() -> str:
    """Give a rule that was due a minute ago."""
    return f"every day at {datetime.now(ZoneInfo('Europe/London')) - timedelta(minutes=1):%H:%M}"


def a_day_ago(journal: Journal) -> None:
    """Let schedules be as if they were added, and last looked at, a day ago."""
    before = datetime.now(UTC) - timedelta(days=1)
    with journal.writing() as connection:
        connection.execute(t.schedule.update().values(added_at=before))
        connection.execute(t.slot_fill.update().values(filled_to=before))


@contextmanager
def schools_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schools]:
    """Make the schools in a folder; it is noon on a Monday."""
    monkeypatch.setenv("ICTOPS_CONFIG", str(folder / "ictops.toml"))
    (folder / "ictops.toml").write_text('state_dir = "state"\n')
    settings = load_settings()
    cluster = folder / "inventories" / "demo"
    (cluster / "calendars").mkdir(parents=True)
    journal = Journal.open(settings.journal_url)
    schools = Schools(cluster, settings, journal, MONDAY)
    schools.calendar.write_text(HALF_TERM)
    for code in ("oak", "elm"):
        schools.school(code)
    monkeypatch.setitem(scheduled.OPERATIONS, "test", Operation(schools.begin))
    try:
        yield schools
    finally:
        journal.close()
