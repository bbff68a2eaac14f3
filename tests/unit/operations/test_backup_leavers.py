"""Leavers' data: archived by two people, kept for their time, and deleted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import InventoryError, PlanError
from ictops.operations import backup_leavers as leavers
from ictops.operations.backup_paths import after_period
from ictops.operations.finish import finish
from ictops.operations.planning import Request
from ictops.settings import Settings
from ictops.store.audit import Audit
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import ArchiveRecord, CareRecord
from ictops.store.journal import Journal
from tests.support.backups import DAY, ID, OTHER_ID, SERVER, ended, make_school
from tests.support.journals import NOW

HOST = "oak-srv-01"


@pytest.fixture
def school(settings: Settings) -> Path:
    return make_school(settings.cluster_dir)


REQUEST = Request(sites=(), span=None)


def archiving(name: str = "leavers-2026", *paths: str, **more: Any) -> leavers.Archiving:
    return leavers.Archiving(name, HOST, paths or ("/home/ann",), **more)


@pytest.fixture
def keeps(school: Path) -> Path:
    """The school says how long it keeps what is archived."""
    (school / "group_vars").mkdir()
    (school / "group_vars" / "site_oakfield.yml").write_text("backup_keep_leavers: P7Y\n")
    return school


def test_an_archive_is_planned_for_two_people(
    keeps: Path, settings: Settings, journal: Journal
) -> None:
    what = archiving("leavers-2026", "/home/ann/", "/home/ben", remove=True)
    draft = leavers.plan_archive(settings, what, REQUEST)
    plan = draft.plan
    assert (plan.two_people, plan.needs_approval, plan.idempotent) == (True, True, False)
    assert (plan.operation, plan.hosts) == ("backup-archive", [HOST])
    told = plan.extra_vars["backup_archive"]
    ends = plan.ends_at.date() if plan.ends_at else datetime.now(UTC).date()
    assert told == {
        "name": "leavers-2026", "paths": ["/home/ann", "/home/ben"], "remove": True,
        "keep_until": after_period(ends, "P7Y", "").isoformat(),
    }  # fmt: skip
    assert "REMOVED from the host" in plan.about[HOST]
    day = date(2030, 8, 31)
    told = leavers.plan_archive(settings, archiving(keep_until=day), REQUEST).plan.extra_vars
    assert told["backup_archive"]["keep_until"] == "2030-08-31"


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (archiving("Leavers 2026"), "no name of an archive"),
        (archiving("../x"), "no name of an archive"),
        (archiving("a", "/home"), "too much is in it"),
        (archiving("a", "/"), "too much is in it"),
        (archiving("a", "/home/a", "/home/a/b"), "it is in /home/a"),
        (archiving("a", "/home/a", "/home/a/"), "name each path once"),
        (archiving("a", "home/a"), "no whole path"),
        (archiving("a", "/home/{% x %}"), "holds a template"),
        (archiving("a", keep_until=date(2020, 1, 1)), "not after it is archived"),
        (leavers.Archiving("a", "oak-pc-01", ("/home/a",)), "nothing of this host is backed up"),
        (leavers.Archiving("a", "elm-srv-01", ("/home/a",)), "nobody says how long"),
        (leavers.Archiving("a", "nosuch", ("/home/a",)), "there is no host"),
    ],
)
def test_what_cannot_be_archived_is_told(
    keeps: Path, settings: Settings, journal: Journal, what: leavers.Archiving, text: str
) -> None:
    with pytest.raises((PlanError, InventoryError), match=text):
        leavers.plan_archive(settings, what, REQUEST)


@pytest.mark.parametrize("period", ["7 years", "P", "PT5H", "-P1Y", "P999Y9", "«vault»"])
def test_a_period_that_is_none_is_refused(period: str) -> None:
    with pytest.raises(PlanError, match="no length of time"):
        after_period(date(2026, 1, 1), period, "x")


def test_a_period_is_added_as_people_count() -> None:
    assert after_period(date(2024, 2, 29), "P7Y", "") == date(2031, 2, 28)
    assert after_period(date(2026, 1, 31), "P1M2W3D", "") == date(2026, 3, 17)
    with pytest.raises(PlanError, match="too far"):
        after_period(date(9990, 1, 1), "P99Y", "")


ARCHIVED = {
    "name": "leavers-2026", "repository": "oakfield", "snapshot": ID, "files": 3, "bytes": 30,
    "verified": True, "removed": ["/home/ann"],
}  # fmt: skip
TOLD = {
    "name": "leavers-2026", "paths": ["/home/ann"], "keep_until": "2026-10-25", "remove": True,
}  # fmt: skip


def archived(journal: Journal, said: Any = ARCHIVED, outcome: str = "ok") -> str:
    word = None if said is None else {"ictops_backup_archived": said}
    return ended(
        journal, leavers.ARCHIVE, {HOST: word}, outcomes={HOST: outcome},  # type: ignore[dict-item]
        extra_vars={"backup_archive": TOLD}, by="ann",
    )  # fmt: skip


def test_an_archive_is_kept_and_in_the_audit_trail(
    keeps: Path, settings: Settings, journal: Journal
) -> None:
    run = archived(journal)
    journal.approve(journal.run(run).plan_digest, by="bea", at=NOW)
    finish(journal, settings, run)
    assert BackupCare(journal, "demo").archive("leavers-2026") == ArchiveRecord(
        "demo", "leavers-2026", "oakfield", HOST, "oakfield", [ID], ["/home/ann"], ["/home/ann"],
        3, 30, NOW, date(2026, 10, 25),
    )  # fmt: skip
    (entry,) = Audit(journal).entries("demo")
    assert (entry.what, entry.subject) == ("archived", f"archive leavers-2026 of {HOST}")
    assert "planned by ann, approved by bea" in entry.details
    assert "all of it restored and compared; 1 of 1 paths removed" in entry.details
    with pytest.raises(PlanError, match="there is an archive of that name"):
        leavers.plan_archive(settings, archiving(), REQUEST)


@pytest.mark.parametrize(
    ("said", "outcome", "kept"),
    [
        (None, "failed", False),
        ({**ARCHIVED, "name": "other"}, "ok", False),
        ({**ARCHIVED, "snapshot": ""}, "ok", False),
        ({**ARCHIVED, "verified": False, "removed": []}, "failed", True),
        (ARCHIVED, "failed", True),
    ],
)
def test_an_archive_that_failed_is_told_as_such(
    journal: Journal, said: Any, outcome: str, kept: bool
) -> None:
    assert not leavers.finish_archive(journal, archived(journal, said, outcome)).good
    assert [one.what for one in Audit(journal).entries("demo")] == ["archive failed"]
    there = BackupCare(journal, "demo").archive("leavers-2026")
    assert (there is not None) is kept, "what is in the repository can be deleted one day"


def test_an_archive_is_deleted_only_after_its_day(
    keeps: Path, settings: Settings, journal: Journal
) -> None:
    leavers.finish_archive(journal, archived(journal))
    for day in (24, 25):
        with pytest.raises(PlanError, match="to be kept until Sun 25 Oct 2026"):
            leavers.plan_delete(settings, "leavers-2026", REQUEST, today=date(2026, 10, day))
    draft = leavers.plan_delete(settings, "leavers-2026", REQUEST, today=date(2026, 10, 26))
    assert (draft.plan.two_people, draft.plan.hosts) == (True, [SERVER])
    assert draft.plan.extra_vars == {
        "backup_delete": {
            "repository": "oakfield", "archive": "leavers-2026", "snapshots": [ID],
        }
    }  # fmt: skip
    with pytest.raises(PlanError, match=r"no such archive.*leavers-2026"):
        leavers.plan_delete(settings, "leavers", REQUEST)


def test_the_server_that_has_the_repository_deletes_it(
    keeps: Path, settings: Settings, journal: Journal
) -> None:
    leavers.finish_archive(journal, archived(journal))
    text = (keeps / "oakfield.yml").read_text()
    (keeps / "oakfield.yml").write_text(
        text.replace("  hosts: {oak-bak-01: }", "  hosts: {oak-bak-01: , oak-pc-01: }")
    )
    today = date(2026, 10, 26)
    with pytest.raises(PlanError, match="which of 2 backup servers"):
        leavers.plan_delete(settings, "leavers-2026", REQUEST, today=today)
    care = CareRecord("demo", "oakfield", "list", "oakfield", "oak-pc-01", NOW, True, NOW, "")
    BackupCare(journal, "demo").record([care])
    draft = leavers.plan_delete(settings, "leavers-2026", REQUEST, today=today)
    assert draft.plan.hosts == ["oak-pc-01"]


def deleted(journal: Journal, said: Any, outcome: str = "ok", **more: Any) -> str:
    told = {"repository": "oakfield", "archive": "leavers-2026", "snapshots": [ID, OTHER_ID]}
    return ended(
        journal, leavers.DELETE, {SERVER: {"ictops_backup_deleted": said}},
        outcomes={SERVER: outcome}, extra_vars={"backup_delete": told},  # type: ignore[dict-item]
        **more,
    )  # fmt: skip


def test_a_deletion_is_one_only_if_all_is_gone(
    keeps: Path, settings: Settings, journal: Journal
) -> None:
    leavers.finish_archive(journal, archived(journal))
    said = {"repository": "oakfield", "archive": "leavers-2026", "removed": [ID]}
    assert not leavers.finish_delete(journal, deleted(journal, said, "failed")).good
    care = BackupCare(journal, "demo")
    assert care.archives()[0].deleted_at is None
    all_gone = {**said, "removed": [ID, OTHER_ID], "copy_removed": [ID]}
    became = leavers.finish_delete(journal, deleted(journal, all_gone, at=NOW + DAY))
    assert (became.good, became.words) == (
        True, "2 of 2 snapshots deleted, 1 of the second copy",
    )  # fmt: skip
    assert care.archives()[0].deleted_at == NOW + DAY
    assert [one.what for one in Audit(journal).entries("demo")][:2] == [
        "deleted", "deletion failed",
    ]  # fmt: skip
    with pytest.raises(PlanError, match="it was deleted on"):
        leavers.plan_delete(settings, "leavers-2026", REQUEST, today=date(2030, 1, 1))
