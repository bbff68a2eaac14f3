"""Finding what was lost and bringing it back; archives, their end, and the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ictops.errors import BackupError, BackupServerSilent, Exit, InventoryError, PlanError
from ictops.operations.backup_care import begin_check
from ictops.operations.backup_find import FIND, begin_find, found_of, literal
from ictops.operations.backup_paths import moment, whole_path
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
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.audit import Audit
from ictops.store.journal import Journal
from tests.support.backups import DAY, HOUR, ID, OTHER_ID, SERVER, THIRD_ID, ended, make_school
from tests.support.journals import NOW

HOST = "oak-srv-01"
PATH = "/home/ann/essay.odt"
UK = ZoneInfo("Europe/London")
HOW: dict[str, Any] = {"to": None, "in_place": False, "overwrite": False, "reason": "deleted"}


@pytest.fixture
def school(settings: Settings) -> Path:
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
