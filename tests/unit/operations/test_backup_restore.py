"""Finding what was lost and bringing it back; archives, their end, and the audit trail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ictops.errors import BackupError, BackupServerSilent, Exit, InventoryError, PlanError
from ictops.operations import backup_leavers as leavers
from ictops.operations.backup_care import begin_check
from ictops.operations.backup_find import FIND, begin_find, found_of, literal
from ictops.operations.backup_paths import after_period, moment, whole_path
from ictops.operations.backup_restore import (
    FOLDER,
    RESTORE,
    begin_restore,
    finish_restore,
    newest_of,
    place_of,
    wanted,
)
from ictops.operations.finish import finish, finish_cancelled
from ictops.operations.planning import Request
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.audit import Audit
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import ArchiveRecord, CareRecord
from ictops.store.journal import Journal
from tests.support.backups import DAY, HOUR, ID, OTHER_ID, SERVER, THIRD_ID, ended, make_school
from tests.support.journals import NOW

HOST = "oak-srv-01"
PATH = "/home/ann/essay.odt"
UK = ZoneInfo("Europe/London")
HOW: dict[str, Any] = {"to": None, "in_place": False, "overwrite": False, "reason": "deleted"}


@pytest.fixture
def school(settings: Settings, playbooks: Path) -> Path:
    return make_school(settings.cluster_dir)


def file(snapshot: str, at: datetime, path: str = PATH, **more: Any) -> dict[str, Any]:
    return {
        "snapshot": snapshot, "host": HOST, "set": "homes", "at": at.isoformat(), "path": path,
        "type": "file", "size": 12, "mtime": NOW.isoformat(), **more,
    }  # fmt: skip


def found(journal: Journal, *files: Any, **more: Any) -> Any:
    word = {"repository": "oakfield", "good": True, "message": "", "found": list(files), **more}
    said = {"ictops_backup_found": {"repositories": [word]}}
    return found_of(journal, ended(journal, FIND.operation, {SERVER: said}, at=NOW))


def told(journal: Journal, run_id: str) -> dict[str, Any]:
    return Plan.model_validate_json(journal.run(run_id).plan).extra_vars


def test_a_search_says_what_it_looks_for(
    school: Path, settings: Settings, journal: Journal
) -> None:
    run = begin_find(
        journal, settings, "*essay*", sites=("oakfield",), host=HOST, after=NOW, before=NOW + DAY
    )
    assert told(journal, run) == {
        "backup_find": {
            "pattern": "*essay*", "host": HOST, "after": NOW.isoformat(),
            "before": (NOW + DAY).isoformat(),
        }
    }  # fmt: skip
    for pattern in ("", "  ", "a\0b"):
        with pytest.raises(PlanError, match="say what is looked for"):
            begin_find(journal, settings, pattern)
    with pytest.raises(PlanError, match="no time is before the one"):
        begin_find(journal, settings, "a", after=NOW, before=NOW)
    with pytest.raises(PlanError, match="holds a template"):
        begin_find(journal, settings, "{{ lookup('pipe', 'id') }}")


def test_what_was_not_asked_for_is_not_shown(journal: Journal) -> None:
    files = [file(ID, NOW), file(OTHER_ID, NOW + DAY), file(THIRD_ID, NOW + 2 * DAY)]
    word = {"repository": "oakfield", "good": True, "message": "", "found": files}
    asked = {"after": (NOW + HOUR).isoformat(), "before": (NOW + DAY).isoformat()}
    run = ended(
        journal, FIND.operation, {SERVER: {"ictops_backup_found": {"repositories": [word]}}},
        extra_vars={"backup_find": {"pattern": "*", **asked}},
    )  # fmt: skip
    assert [one.snapshot for _, one in found_of(journal, run).files] == [OTHER_ID]


def test_looking_and_restoring_wait_for_no_other_run(
    school: Path, settings: Settings, journal: Journal
) -> None:
    what = wanted(HOST, PATH, ID, place_of(settings, HOST, None), **HOW)
    for run_id, beside in (
        (begin_find(journal, settings, "x"), True),
        (begin_restore(journal, settings, "oakfield", what), True),
        (begin_check(journal, settings), False),
    ):
        assert Plan.model_validate_json(journal.run(run_id).plan).beside is beside


def test_the_newest_backup_with_the_path_is_taken(journal: Journal) -> None:
    has = found(
        journal, file(ID, NOW), file(THIRD_ID, NOW + 2 * DAY), file(OTHER_ID, NOW + DAY),
        file("44" * 32, NOW + 9 * DAY, path=PATH + "x"),
        file("55" * 32, NOW + 9 * DAY, host="oak-srv-02"),
    )  # fmt: skip
    assert newest_of(has, HOST, PATH, None, UK).snapshot == THIRD_ID
    assert newest_of(has, HOST, PATH, NOW + 2 * DAY - HOUR, UK).snapshot == OTHER_ID
    assert newest_of(has, HOST, PATH, NOW, UK).snapshot == ID
    with pytest.raises(BackupError, match=rf"oldest that has is of Mon 26 Oct.*{ID[:8]}"):
        newest_of(has, HOST, PATH, NOW - HOUR, UK)
    with pytest.raises(BackupError, match=r"no backup has it under this name.*backup find"):
        newest_of(has, HOST, "/home/ann", None, UK)


def test_a_server_that_cannot_look_is_not_taken_for_no_backup(journal: Journal) -> None:
    locked = found(journal, good=False, message="is locked\x1b[2J")
    with pytest.raises(BackupServerSilent, match="is locked\N{REPLACEMENT CHARACTER}") as raised:
        newest_of(locked, HOST, PATH, None, UK)
    assert raised.value.exit_code == Exit.STRAGGLERS
    run = ended(journal, FIND.operation, {SERVER: None}, outcomes={SERVER: "unreachable"})
    with pytest.raises(BackupServerSilent, match=r"oak-bak-01: it is unreachable.*Nothing was"):
        newest_of(found_of(journal, run), HOST, PATH, None, UK)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"snapshot": "--help"}, {"size": -1}, {"at": "x"}, {"path": 5}, {"host": None},
        {"snapshot": ID[:7]},
    ],
)  # fmt: skip
def test_nonsense_is_found_nowhere(journal: Journal, nonsense: dict[str, Any]) -> None:
    has = found(journal, {**file(ID, NOW), **nonsense})
    assert has.files == ()
    assert "cannot be read" in has.bad[SERVER]


def test_a_name_with_signs_is_looked_for_as_it_is() -> None:
    assert literal("/home/a[1]") == r"/home/a\[1]"
    assert literal("/a*b?c\\d") == r"/a\*b\?c\\d"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/home/ann/", "/home/ann"), ("//home///ann", "/home/ann"), ("/", "/"), ("/./a", "/a"),
        ("home/ann", None), ("", None), ("/a/../b", None), ("/a\0", None), ("/a\n", None),
        ("-x", None), ("~/a", None),
    ],
)  # fmt: skip
def test_a_path_is_whole_or_refused(text: str, path: str | None) -> None:
    if path is not None:
        assert whole_path(text, "PATH") == path
        return
    with pytest.raises(PlanError, match="no whole path"):
        whole_path(text, "PATH")


def test_a_day_means_all_of_it_at_the_school() -> None:
    assert moment("2026-07-01", UK, "--at", ends=True) == datetime(2026, 7, 1, 23, 0, tzinfo=UTC)
    assert moment("2026-07-01", UK, "--at", ends=False) == datetime(
        2026, 6, 30, 23, 0, tzinfo=UTC
    )  # fmt: skip
    assert moment("2026-12-01 11:30", UK, "--at", ends=True).hour == 11
    for nonsense in ("yesterday", "2026-13-01", "9999-12-31", ""):
        with pytest.raises(PlanError, match="no day or time"):
            moment(nonsense, UK, "--at", ends=True)


def test_without_a_word_it_goes_into_a_new_folder(
    school: Path, settings: Settings, journal: Journal
) -> None:
    target = place_of(settings, HOST, None)
    what = wanted(HOST, PATH, ID, target, **HOW)
    again = wanted(HOST, PATH, ID, target, **HOW)
    assert what.to.startswith(f"{FOLDER}/{datetime.now(UTC):%Y-%m-%d}-")
    assert what.to != again.to
    run_id = begin_restore(journal, settings, "oakfield", what)
    assert told(journal, run_id)["backup_restore"] == {
        "snapshot": ID, "path": PATH, "to": what.to, "overwrite": False,
    }  # fmt: skip
    assert Plan.model_validate_json(journal.run(run_id).plan).hosts == [HOST]
    (entry,) = Audit(journal).entries("demo")
    assert (entry.what, entry.subject, entry.reason) == ("restore", f"{HOST}:{PATH}", "deleted")
    assert (entry.run_id, what.to in entry.details) == (run_id, True)


def test_it_goes_back_in_place_or_on_another_host(school: Path, settings: Settings) -> None:
    other = place_of(settings, HOST, "oak-srv-02")
    what = wanted(HOST, PATH, ID[:8], other, **{**HOW, "in_place": True, "overwrite": True})
    assert (what.host, what.on, what.to, what.overwrite) == (HOST, "oak-srv-02", "", True)
    assert place_of(settings, "long-gone", "oak-srv-02").name == "oak-srv-02"
    assert wanted(HOST, PATH, ID, other, **{**HOW, "to": "/srv/x/"}).to == "/srv/x"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"reason": " "}, "say why"),
        ({"to": "/a", "in_place": True}, "either back to its place"),
        ({"overwrite": True}, "only what goes back to its place"),
        ({"to": "here"}, "no whole path"),
    ],
)
def test_what_makes_no_sense_is_refused(
    school: Path, settings: Settings, how: dict[str, Any], text: str
) -> None:
    with pytest.raises(PlanError, match=text):
        wanted(HOST, PATH, ID, place_of(settings, HOST, None), **{**HOW, **how})


@pytest.mark.parametrize("snapshot", ["latest", "../x", "--help", "", "ABCDEF01", ID + "00"])
def test_a_snapshot_is_named_by_its_id(school: Path, settings: Settings, snapshot: str) -> None:
    with pytest.raises(PlanError, match="no snapshot's id"):
        wanted(HOST, PATH, snapshot, place_of(settings, HOST, None), **HOW)


def test_where_it_cannot_go_is_told(school: Path, settings: Settings, journal: Journal) -> None:
    with pytest.raises(InventoryError, match=r"there is no host 'oak-srv-1'.*oak-srv-01"):
        place_of(settings, "oak-srv-1", None)
    with pytest.raises(BackupError, match="cannot read"):
        place_of(settings, HOST, "elm-srv-01")
    (school / "rowan.yml").write_text("site_rowan: {hosts: {sw: }}\nswitches: {hosts: {sw: }}\n")
    with pytest.raises(BackupError, match="only Linux hosts"):
        place_of(settings, "sw", None)
    what = wanted(HOST, "/home/{{ 1 }}", ID, place_of(settings, HOST, None), **HOW)
    with pytest.raises(PlanError, match="holds a template"):
        begin_restore(journal, settings, "oakfield", what)
    assert Audit(journal).entries("demo") == [], "nothing was begun"


def restored(journal: Journal, said: Any, outcome: str = "ok", **more: Any) -> str:
    told = {"snapshot": ID, "path": PATH, "to": "/new", "overwrite": False, **more}
    word = None if said is None else {"ictops_backup_restored": said}
    return ended(
        journal, RESTORE, {"oak-srv-02": word},
        outcomes={"oak-srv-02": outcome},  # type: ignore[dict-item]
        extra_vars={"backup_restore": told, "ictops_backup_of": HOST},
    )  # fmt: skip


BACK = {
    "snapshot": ID, "path": PATH, "to": f"/new{PATH}", "files": 1, "bytes": 12, "verified": True,
}  # fmt: skip


def test_what_is_back_is_told_and_kept_for_good(journal: Journal, settings: Settings) -> None:
    run = restored(journal, BACK)
    done = finish_restore(journal, run)
    assert (done.host, done.on, done.where) == (HOST, "oak-srv-02", f"/new{PATH}")
    assert (done.files, done.bytes, done.verified, done.why) == (1, 12, True, "")
    finish(journal, settings, run)
    (entry,) = Audit(journal).entries("demo")
    assert (entry.what, entry.subject) == ("restored", f"{HOST}:{PATH}")
    assert "files: 1, bytes: 12" in entry.details
    assert finish_restore(journal, restored(journal, {**BACK, "to": ""}, to="")).where == PATH
    folder = {**BACK, "to": "/new"}
    assert finish_restore(journal, restored(journal, folder)).where == f"/new{PATH}"


@pytest.mark.parametrize(
    ("said", "outcome", "why"),
    [
        (None, "failed", "it is failed"),
        (None, "unreachable", "it is unreachable"),
        (BACK, "failed", "it is failed"),
        ({**BACK, "files": "all"}, "ok", "cannot be read"),
        ([], "ok", "cannot be read"),
        ({**BACK, "snapshot": "\x1b"}, "ok", "cannot be read"),
    ],
)
def test_what_is_not_back_is_never_told_as_if_it_were(
    journal: Journal, said: Any, outcome: str, why: str
) -> None:
    done = finish_restore(journal, restored(journal, said, outcome))
    assert done.where == ""
    assert why in done.why
    assert [one.what for one in Audit(journal).entries("demo")] == ["restore failed"]


def test_a_path_with_escape_sequences_does_nothing_to_the_audit_trail(journal: Journal) -> None:
    finish_restore(journal, restored(journal, BACK, path="/home/\x1b[2Ja\nb"))
    (entry,) = Audit(journal).entries("demo")
    assert "\x1b" not in entry.subject + entry.details
    assert "\n" not in entry.subject + entry.details


def test_what_a_cancelled_run_did_is_in_the_audit_trail(
    journal: Journal, settings: Settings
) -> None:
    finish_cancelled(journal, settings, restored(journal, BACK))
    assert [one.what for one in Audit(journal).entries("demo")] == ["restored"]


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
