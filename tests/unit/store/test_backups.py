"""What is known of backups, in each database that can hold a journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ictops.store.audit import Audit
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import (
    ArchiveRecord,
    AuditRecord,
    CareRecord,
    Drilled,
    Sampled,
    Taken,
)
from ictops.store.backups import KEPT_OF_A_SET, Backups
from ictops.store.journal import Journal
from tests.support.backups import DAY, HOUR, ID, OTHER_ID, SHA, THIRD_ID, tried
from tests.support.journals import NOW, make_run


def test_the_last_good_one_stays_while_tries_fail(journal: Journal) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    backups.record(run, [tried(files=7, bytes=70)])
    for hours in (1, 2):
        backups.record(run, [tried(good=False, at=NOW + hours * HOUR)])
    (one,) = backups.sets()
    assert (one.good_at, one.tried_at, one.failures) == (NOW, NOW + 2 * HOUR, 2)
    assert (one.files, one.bytes, one.message) == (7, 70, "no space left")
    backups.record(run, [tried(at=NOW + 3 * HOUR, snapshot=OTHER_ID)])
    (one,) = backups.sets()
    assert (one.good_at, one.failures, one.message) == (NOW + 3 * HOUR, 0, "")


def test_what_is_told_twice_or_late_changes_nothing(journal: Journal) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    failed = tried(good=False, at=NOW + HOUR)
    for _ in range(3):
        backups.record(run, [failed])
    backups.record(run, [tried(at=NOW)])
    (one,) = backups.sets()
    assert (one.failures, one.good_at, one.run_id) == (1, None, run)
    assert backups.newest_snapshots() == []


def test_each_set_of_each_host_of_each_cluster_is_its_own(journal: Journal) -> None:
    run = make_run(journal)
    Backups(journal, "other").record(run, [tried(good=False)])
    backups = Backups(journal, "demo")
    backups.record(
        run, [tried("b"), tried("a", snapshot=OTHER_ID), tried("a", host="z", site="elmtree")]
    )
    assert [(one.host, one.name) for one in backups.sets()] == [
        ("oak-srv-01", "a"), ("oak-srv-01", "b"), ("z", "a"),
    ]  # fmt: skip
    assert [one.host for one in backups.sets(sites=["elmtree"])] == ["z"]


def test_a_host_s_clock_that_is_ahead_makes_no_backup_younger(journal: Journal) -> None:
    backups = Backups(journal, "demo")
    ahead = replace(tried(), snapshots=(Taken(ID, NOW + 9 * DAY, ()),))
    behind = replace(tried("b"), snapshots=(Taken(OTHER_ID, NOW - DAY, ()),))
    backups.record(make_run(journal), [ahead, behind])
    assert {one.name: one.good_at for one in backups.sets()} == {"homes": NOW, "b": NOW - DAY}


def test_a_drill_is_kept_with_its_snapshot_and_the_newest_counts(journal: Journal) -> None:
    backups = Backups(journal, "demo")
    run = make_run(journal)
    backups.record(run, [tried(at=NOW)])
    backups.record(run, [tried(at=NOW + DAY, snapshot=OTHER_ID)])
    assert backups.drills() == {}
    good = Drilled("oakfield", ID, "oakfield", NOW + HOUR, True, "")
    assert backups.drill([good, replace(good, snapshot=THIRD_ID)]) == [good]
    bad = Drilled("oakfield", OTHER_ID, "oakfield", NOW + 2 * DAY, False, "/home/a is another")
    backups.drill([bad])
    drill = backups.drills()["oak-srv-01", "homes"]
    assert (drill.snapshot, drill.proved, drill.message) == (OTHER_ID, False, bad.message)
    backups.drill([replace(bad, at=NOW, proved=True)])
    assert backups.drills()["oak-srv-01", "homes"].proved is False, "an older word is no news"


def test_the_newest_snapshot_with_a_sample_is_the_one_to_drill(journal: Journal) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    sample = (Sampled("/home/\N{SNOWMAN}\n", 5, SHA), Sampled("/home/b", 0, "cd" * 32))
    backups.record(run, [tried(at=NOW, sample=sample)])
    backups.record(run, [tried(at=NOW + DAY, snapshot=OTHER_ID, sample=())])
    (one,) = backups.newest_snapshots(["oakfield"])
    assert (one.snapshot, one.sample, one.at) == (ID, sample, NOW)
    assert backups.newest_snapshots(["elmtree"]) == []


def test_what_is_pruned_of_a_repository_is_forgotten_but_for_its_last_drill(
    journal: Journal,
) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    for days, snapshot in enumerate((ID, OTHER_ID, THIRD_ID)):
        backups.record(run, [tried(at=NOW + days * DAY, snapshot=snapshot)])
    backups.drill([Drilled("oakfield", ID, "oakfield", NOW + DAY, True, "")])
    backups.forget("elsewhere", [ID, OTHER_ID, THIRD_ID])
    assert backups.newest_snapshots()[0].snapshot == THIRD_ID
    backups.forget("oakfield", [ID, OTHER_ID, THIRD_ID])
    assert backups.newest_snapshots() == []
    assert backups.drills()["oak-srv-01", "homes"].proved


def test_housekeeping_loses_nothing_that_status_and_drills_need(journal: Journal) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    ids = [f"{number:02d}" * 32 for number in range(6)]
    for days, snapshot in enumerate(ids):
        backups.record(run, [tried(at=NOW + days * DAY, snapshot=snapshot)])
    backups.drill([Drilled("oakfield", ids[0], "oakfield", NOW + DAY, True, "")])
    Backups(journal, "other").record(run, [tried()])
    assert backups.prune(NOW - DAY) == 0
    assert backups.prune(NOW + 99 * DAY) == 6 - KEPT_OF_A_SET - 1
    assert backups.drills()["oak-srv-01", "homes"].snapshot == ids[0]
    assert backups.newest_snapshots()[0].snapshot == ids[-1]
    assert len(backups.sets()) == 1
    assert Backups(journal, "other").newest_snapshots() != []


CHECK = CareRecord("demo", "oakfield", "check", "oakfield", "bak", NOW, True, None, "", {"part": 1})


def test_of_a_repository_the_last_time_of_each_kind_is_kept(journal: Journal) -> None:
    care = BackupCare(journal, "demo")
    care.record([CHECK, replace(CHECK, what="copy", good=False, message="away")])
    bad = replace(CHECK, tried_at=NOW + DAY, good=False, message="pack is damaged", details={})
    care.record([bad, replace(CHECK, tried_at=NOW - DAY)])
    check, copy = care.of()
    assert (check.good, check.good_at, check.message) == (False, NOW, "pack is damaged")
    assert (copy.what, copy.good_at, copy.message) == ("copy", None, "away")
    assert care.of(sites=["elmtree"]) == []
    care.record([replace(bad, good=True, tried_at=NOW + 2 * DAY)])
    assert care.of()[0].good_at == NOW + 2 * DAY
    assert care.prune(NOW + DAY) == 1
    assert [one.what for one in care.of()] == ["check"]


ARCHIVE = ArchiveRecord(
    "demo", "leavers-2026", "oakfield", "srv", "oakfield", [ID], ["/home/ann"], ["/home/ann"],
    3, 30, NOW, date(2033, 7, 31),
)  # fmt: skip


def test_an_archive_is_written_down_once_and_its_end_with_it(journal: Journal) -> None:
    care = BackupCare(journal, "demo")
    care.keep_archive(ARCHIVE)
    care.keep_archive(replace(ARCHIVE, files=0))
    assert care.archive("leavers-2026") == ARCHIVE
    assert care.archive("other") is None
    again = replace(ARCHIVE, snapshots=[OTHER_ID], paths=["/home/ben"], keep_until=date(2030, 1, 1))
    care.keep_archive(again)
    care.keep_archive(again)
    both = care.archive("leavers-2026")
    assert both is not None
    assert (both.snapshots, both.keep_until) == ([ID, OTHER_ID], ARCHIVE.keep_until)
    assert (both.files, both.paths) == (6, ["/home/ann", "/home/ben"])
    care.delete_archive("leavers-2026", NOW + DAY)
    care.delete_archive("leavers-2026", NOW + 2 * DAY)
    assert care.archives() == [replace(both, deleted_at=NOW + DAY)]


ENTRY = AuditRecord("demo", NOW, "ann", "restored", "oakfield", "srv:/home/a", "3 B", "asked", "r1")


def test_the_audit_trail_is_newest_first_and_says_nothing_twice(journal: Journal) -> None:
    audit = Audit(journal)
    audit.add(ENTRY)
    audit.add(replace(ENTRY, at=NOW + HOUR))
    later = replace(ENTRY, at=NOW + DAY, subject="srv:/home/b\0", run_id=None, site="elmtree")
    audit.add(later)
    audit.add(later)
    audit.add(replace(ENTRY, cluster="other", run_id="r2"))
    told = audit.entries("demo")
    assert [one.subject for one in told] == ["srv:/home/b\N{REPLACEMENT CHARACTER}"] * 2 + [
        "srv:/home/a"
    ]
    assert audit.entries("demo", sites=["oakfield"]) == [ENTRY]
    assert len(audit.entries("demo", since=NOW + HOUR)) == 2
    assert len(audit.entries("demo", limit=1)) == 1


def test_a_try_is_good_if_and_only_if_it_made_snapshots() -> None:
    with pytest.raises(ValueError, match="good and 0 snapshots"):
        tried(snapshots=())
