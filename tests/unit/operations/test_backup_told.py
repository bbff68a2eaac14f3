"""What people, monitors and drift checks hear of backups."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ictops.operations.alarm_backups import RepositorySeen, of_repositories
from ictops.operations.alarms import look
from ictops.operations.backup import BACKUP, finish_backup
from ictops.operations.backup_leavers import ARCHIVE
from ictops.operations.backup_restore import RESTORE
from ictops.operations.backup_status import status
from ictops.operations.drift_check import BACKUP as KIND
from ictops.operations.drift_check import CHECK, backup_checks
from ictops.operations.drift_fix import plan_fix
from ictops.operations.drift_show import standing
from ictops.operations.housekeeping import prune
from ictops.operations.metrics import metrics_text
from ictops.operations.planning import Request
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.alarms import Alarms
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import CareRecord, Drilled
from ictops.store.backups import Backups
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from tests.support.backups import (
    DAY,
    HOUR,
    ID,
    OTHER_ID,
    THIRD_ID,
    backed_up,
    ended,
    make_school,
    of_set,
    tried,
)
from tests.support.journals import NOW, make_run

HOST = "oak-srv-01"


@pytest.fixture
def school(settings: Settings) -> Path:
    folder = make_school(settings.cluster_dir)
    (folder / "elmtree.yml").unlink()
    return folder


def good(journal: Journal, at: datetime = NOW) -> None:
    """Back all up, and prove it."""
    backups, run = Backups(journal, "demo"), make_run(journal)
    sets = {(HOST, "homes"): ID, (HOST, "staff"): OTHER_ID, ("oak-srv-02", "mis"): THIRD_ID}
    backups.record(
        run,
        [tried(name, host=host, snapshot=ID_, at=at) for (host, name), ID_ in sets.items()],
    )
    backups.drill(Drilled("oakfield", one, "oakfield", at, True, "") for one in sets.values())


def alarms(journal: Journal, settings: Settings, now: datetime) -> list[str]:
    assert look(journal, settings, now) == []
    return [
        f"{one.severity} {one.host or one.site}: {one.text}"
        for one in Alarms(journal).standing("demo")
    ]


def test_a_failed_backup_is_told_once_and_twice_failed_is_urgent(
    school: Path, settings: Settings, journal: Journal
) -> None:
    good(journal)
    care = [
        "warning oakfield: repository oakfield: its backups were not checked for damage lately",
        "info oakfield: repository oakfield: nobody has looked whether its keys are escrowed",
    ]
    assert alarms(journal, settings, NOW) == care
    for night, severity in ((1, "warning"), (2, "urgent"), (3, "urgent")):
        at = NOW + night * timedelta(hours=6)
        said = backed_up(of_set(snapshot="", at=at.isoformat()), of_set("staff", OTHER_ID))
        run = ended(journal, BACKUP, {HOST: said}, outcomes={HOST: "failed"}, at=at)
        finish_backup(journal, run)
        told = [one for one in alarms(journal, settings, at) if HOST in one]
        assert len(told) == 1, "a run of backups has no alarm beside that of its hosts"
        assert told[0].startswith(f"{severity} {HOST}: the backup failed")
    versions = {one.host: one.version for one in Alarms(journal).standing("demo")}
    assert versions[HOST] == 2, "the third night is no news"
    good(journal, NOW + DAY)
    assert alarms(journal, settings, NOW + DAY) == care


def test_a_restore_that_failed_is_told_where_it_is_waited_for(
    school: Path, settings: Settings, journal: Journal
) -> None:
    good(journal)
    before = alarms(journal, settings, NOW)
    ended(journal, RESTORE, {HOST: None}, outcomes={HOST: "failed"})
    assert alarms(journal, settings, NOW) == before
    ended(journal, ARCHIVE, {HOST: None}, outcomes={HOST: "failed"})
    assert len(alarms(journal, settings, NOW)) == len(before) + 1


def test_a_backup_that_is_too_old_has_one_alarm_and_drifts(
    school: Path, settings: Settings, journal: Journal
) -> None:
    good(journal)
    late = NOW + 30 * HOUR
    run_id = ended(journal, CHECK, {HOST: None, "oak-srv-02": None, "oak-pc-01": None}, at=late)
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    checked = backup_checks(journal, settings, plan, run)
    assert {(one.host, one.state) for one in checked} == {
        (HOST, "drift"), ("oak-srv-02", "clean"),
    }  # fmt: skip
    Drifts(journal).record("demo", KIND, run_id, checked)
    later = run.ended_at or late
    told = [one for one in alarms(journal, settings, later) if HOST in one]
    assert told == [f"urgent {HOST}: the last good backup is older than promised"]
    now = standing(journal, settings)
    assert now.counts == {"backup": {"drift": 1, "clean": 1}}
    (group,) = now.groups
    assert (group.item, group.hosts) == ("last good backup", (HOST,))
    assert group.text == "- older than that\n+ at most 26 hours old"
    with pytest.raises(Exception, match=rf"ictops backup run --limit {HOST}"):
        plan_fix(journal, settings, Request(sites=(), span=None))


def test_a_host_without_a_backup_and_one_without_a_drill_are_told(
    school: Path, settings: Settings, journal: Journal
) -> None:
    Backups(journal, "demo").record(
        make_run(journal), [tried("homes"), tried("staff", snapshot=OTHER_ID)]
    )
    told = alarms(journal, settings, NOW)
    assert f"info {HOST}: no restore of its backup was tried lately" in told
    assert "warning oak-srv-02: there is no good backup yet" in told
    backup = Drilled("oakfield", ID, "oakfield", NOW, False, "another hash")
    Backups(journal, "demo").drill([backup])
    assert f"urgent {HOST}: a restore drill failed" in alarms(journal, settings, NOW)


def test_what_the_inventory_cannot_say_takes_no_alarm_away(
    school: Path, settings: Settings, journal: Journal
) -> None:
    Backups(journal, "demo").record(make_run(journal), [tried()])
    before = alarms(journal, settings, NOW)
    (school / "oakfield.yml").write_text("site_oakfield: [\n")
    (failed, *_) = look(journal, settings, NOW)
    assert "alarms of backup" in failed
    assert set(before) <= {
        f"{one.severity} {one.host or one.site}: {one.text}"
        for one in Alarms(journal).standing("demo")
    }


CARED = RepositorySeen("oak", "oakfield", True, True, True, True, True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"check_good": False}, ["urgent: a check found damage in its backups, or failed"]),
        ({"checked_lately": False}, ["warning: its backups were not checked for damage lately"]),
        ({"escrowed": False}, ["warning: its keys are not escrowed"]),
        ({"escrowed": None, "has_copy": None},
         ["info: nobody has looked whether its keys are escrowed"]),
        ({"has_copy": False}, ["warning: there is no second copy elsewhere"]),
        ({"copied_lately": False}, ["warning: its second copy is out of date"]),
        ({"failed": ("copy", "prune")},
         ["warning: the last copy failed", "warning: the last prune failed"]),
    ],
)  # fmt: skip
def test_a_repository_is_told_of_by_how_it_is_cared_for(
    changed: dict[str, object], told: list[str]
) -> None:
    seen = RepositorySeen(**{**{f: getattr(CARED, f) for f in CARED.__slots__}, **changed})  # type: ignore[arg-type]
    found = list(of_repositories([seen]))
    assert [f"{one.severity}{one.text.removeprefix('repository oak')}" for one in found] == told
    assert len({one.key for one in found}) == len(found)


def test_a_monitor_hears_numbers_and_no_host_s_name(
    school: Path, settings: Settings, journal: Journal
) -> None:
    good(journal)
    text = metrics_text(journal, settings)
    assert 'ictops_backup_hosts{site="oakfield",state="late"} 2.0' in text
    (oldest,) = re.findall(r'backup_oldest_timestamp_seconds\{site="oakfield"\} (\S+)', text)
    assert float(oldest) == NOW.timestamp()
    assert "ictops_backup_drill_hosts{" in text
    assert HOST not in text


def test_housekeeping_leaves_what_status_needs(
    school: Path, settings: Settings, journal: Journal
) -> None:
    for days in range(5):
        run = make_run(journal)
        one = tried(at=NOW + days * DAY, snapshot=f"{days:02d}" * 32)
        Backups(journal, "demo").record(run, [one])
    assert prune(journal, settings, NOW + 900 * DAY).backups == 2
    assert len(Backups(journal, "demo").sets()) == 1
    assert len(Backups(journal, "demo").newest_snapshots()) == 1


def test_a_school_that_left_is_no_worry(school: Path, settings: Settings, journal: Journal) -> None:
    good(journal)
    care = CareRecord("demo", "gone", "check", "rowan", "row-bak", NOW, False, None, "damaged")
    BackupCare(journal, "demo").record([care])
    assert [one.repository for one in status(journal, settings, now=NOW).repositories] == [
        "oakfield"
    ]
    (school / "host_vars" / "oak-srv-02.yml").unlink()
    text = (school / "oakfield.yml").read_text()
    (school / "oakfield.yml").write_text(text.partition("homes:")[0])
    now = status(journal, settings, now=NOW)
    assert (now.hosts, now.repositories, now.broken) == ((), (), False)
