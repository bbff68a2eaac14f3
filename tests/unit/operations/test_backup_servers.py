"""Drills, checks, prunes, copies and lists: what begins them, and what servers say of them."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import InventoryError, NoHosts, PlanError
from ictops.operations.backup_care import (
    CHECK,
    COPY,
    NO_REASON,
    PRUNE,
    begin_check,
    begin_copy,
    begin_prune,
    finish_check,
    finish_copy,
    finish_prune,
)
from ictops.operations.backup_drill import DRILL, begin_drill, finish_drill
from ictops.operations.backup_find import LIST, begin_list, listed_of
from ictops.operations.backup_servers import NO_WORD
from ictops.operations.backup_status import status
from ictops.operations.finish import FINISHES, finish
from ictops.operations.scheduled import OPERATIONS, understand
from ictops.plans.model import Plan
from ictops.running.messages import CUT
from ictops.settings import Settings
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import Drilled, Sampled
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from tests.support.backups import (
    DAY,
    HOUR,
    ID,
    OTHER_ID,
    SERVER,
    SHA,
    THIRD_ID,
    ended,
    make_school,
    tried,
)
from tests.support.journals import NOW, make_run

HOST = "oak-srv-01"


@pytest.fixture
def school(settings: Settings) -> Path:
    return make_school(settings.cluster_dir)


def told(journal: Journal, run_id: str) -> dict[str, Any]:
    return Plan.model_validate_json(journal.run(run_id).plan).extra_vars


def said(key: str, *repositories: Any) -> dict[str, Any]:
    return {f"ictops_backup_{key}": {"repositories": list(repositories)}}


def checked(journal: Journal, part: int, *, good: bool = True, at: Any = NOW) -> None:
    word = {
        "repository": "oakfield", "good": good, "message": "" if good else "pack 1a is damaged",
        "seconds": 3, "part": part, "parts": 7,
    }  # fmt: skip
    finish_check(journal, ended(journal, CHECK.operation, {SERVER: said("check", word)}, at=at))


def test_only_backup_servers_are_asked_and_of_schools_that_have_one(
    school: Path, settings: Settings, journal: Journal
) -> None:
    for begin in (begin_check, begin_prune, begin_copy, begin_list):
        run = journal.run(begin(journal, settings))
        assert Plan.model_validate_json(run.plan).hosts == [SERVER], run.operation
        assert run.operation in FINISHES
        with pytest.raises(NoHosts, match=r"site elmtree: no backup server.*backup_server\.yml"):
            begin(journal, settings, sites=("elmtree",))
        with pytest.raises(InventoryError, match="there is no site 'elm'"):
            begin(journal, settings, sites=("elm",))
    assert told(journal, begin_list(journal, settings, host="gone", set_="homes")) == {
        "backup_list": {"host": "gone", "set": "homes"}
    }


def test_the_part_that_was_read_longest_ago_is_next(
    school: Path, settings: Settings, journal: Journal
) -> None:
    def part() -> int:
        next_one = told(journal, begin_check(journal, settings))["backup_check"]
        assert next_one["parts"] == 7
        return int(next_one["part"])

    parts = []
    for day in range(9):
        parts.append(part())
        checked(journal, parts[-1], good=day != 2, at=NOW + day * DAY)
    assert parts == [1, 2, 3, 3, 4, 5, 6, 7, 1], "what was wrong is read once more"
    for day in range(9, 13):
        parts.append(part())
        checked(journal, parts[-1], good=parts[-1] != 2, at=NOW + day * DAY)
    assert parts[9:] == [2, 2, 3, 4], "damage keeps no other part from its turn"
    whole = begin_check(journal, settings, parts="1")
    assert told(journal, whole) == {"backup_check": {"part": 1, "parts": 1}}
    for nonsense in ("0", "x", "999", -1):
        with pytest.raises(PlanError, match="a number from 1 to 365"):
            begin_check(journal, settings, parts=nonsense)


def test_damage_is_kept_with_what_was_good_before(journal: Journal) -> None:
    checked(journal, 1)
    checked(journal, 2, good=False, at=NOW + DAY)
    (care,) = BackupCare(journal, "demo").of()
    assert (care.good, care.good_at, care.server) == (False, NOW, SERVER)
    assert care.message == "pack 1a is damaged"


def test_damage_stands_until_its_part_is_read_and_good(journal: Journal) -> None:
    def good() -> bool:
        (care,) = BackupCare(journal, "demo").of()
        assert care.good or "pack 1a is damaged" in care.message
        return care.good

    checked(journal, 1)
    checked(journal, 2, good=False, at=NOW + DAY)
    checked(journal, 3, at=NOW + 2 * DAY)
    assert not good(), "another part says nothing of it"
    checked(journal, 2, at=NOW + 3 * DAY)
    assert good()
    checked(journal, 4, good=False, at=NOW + 4 * DAY)
    word = {"repository": "oakfield", "good": True, "part": 1, "parts": 1}
    at = NOW + 5 * DAY
    finish_check(journal, ended(journal, CHECK.operation, {SERVER: said("check", word)}, at=at))
    assert good(), "all of it was read"


def test_what_is_pruned_and_copied_is_kept(journal: Journal) -> None:
    backups = Backups(journal, "demo")
    backups.record(make_run(journal), [tried()])
    word = {
        "repository": "oakfield", "good": True, "message": "", "removed": [ID, CUT], "kept": 4,
        "bytes_freed": 5,
    }  # fmt: skip
    run = ended(journal, PRUNE.operation, {SERVER: said("prune", word)})
    assert finish_prune(journal, run).good
    finish_prune(journal, run)
    assert backups.newest_snapshots() == []
    word = {
        "repository": "oakfield", "good": False, "message": "no route\x07", "to": "sftp:a@b:/c",
        "copied": 0, "snapshots": 0,
    }  # fmt: skip
    run = ended(journal, COPY.operation, {SERVER: said("copy", word)}, outcomes={SERVER: "failed"})
    done = finish_copy(journal, run)
    assert (done.good, done.repositories[0].message) == (
        False, "no route\N{REPLACEMENT CHARACTER}",
    )  # fmt: skip
    copy, prune = BackupCare(journal, "demo").of()
    assert (copy.details["to"], copy.good_at) == ("sftp:a@b:/c", None)
    assert prune.details == {"removed": 1, "kept": 4, "bytes_freed": 5}


def test_one_repository_that_cannot_be_read_hides_no_other(journal: Journal) -> None:
    good = {"repository": "oakfield", "good": True, "part": 1, "parts": 7}
    nonsense = [
        None, 7, {"repository": "../x", "good": True, "part": 1, "parts": 7},
        {"repository": "a", "good": "yes", "part": 1, "parts": 7},
        {"repository": "a", "good": True, "part": "1", "parts": 7},
        {"repository": "a", "good": True},
    ]  # fmt: skip
    for number, one in enumerate(nonsense):
        at = NOW + number * HOUR
        run = ended(journal, CHECK.operation, {SERVER: said("check", one, good)}, at=at)
        done = finish_check(journal, run)
        assert [care.repository for care in done.repositories] == ["oakfield"]
        assert "cannot be read" in done.silent[SERVER]
        assert not done.good


@pytest.mark.parametrize("word", [None, 3, [], {}, {"repositories": {}}, {"repositories": "all"}])
def test_a_server_that_says_nonsense_has_said_nothing(journal: Journal, word: Any) -> None:
    run = ended(journal, CHECK.operation, {SERVER: {"ictops_backup_check": word}})
    assert list(finish_check(journal, run).silent) == [SERVER]
    assert BackupCare(journal, "demo").of() == []


def test_a_server_that_was_off_or_said_nothing_is_told(journal: Journal) -> None:
    run = ended(journal, CHECK.operation, {SERVER: None}, outcomes={SERVER: "unreachable"})
    assert finish_check(journal, run).silent == {SERVER: "it is unreachable"}
    assert finish_check(journal, ended(journal, CHECK.operation, {SERVER: None})).silent == {
        SERVER: NO_WORD
    }


def test_a_server_does_not_speak_for_another_school(journal: Journal) -> None:
    Backups(journal, "demo").record(make_run(journal), [tried()])
    word = {"repository": "oakfield", "good": True, "part": 1, "parts": 7}
    run = ended(journal, CHECK.operation, {"elm-bak": said("check", word)}, site="elmtree")
    assert "another school's" in finish_check(journal, run).silent["elm-bak"]
    drill = {
        "repository": "oakfield", "host": HOST, "set": "homes", "snapshot": ID, "good": True,
    }  # fmt: skip
    word = {"ictops_backup_drill": {"results": [drill]}}
    run = ended(journal, DRILL.operation, {"elm-bak": word}, site="elmtree")
    done = finish_drill(journal, run)
    assert (done.proofs, done.good) == ((), False)
    assert Backups(journal, "demo").drills() == {}
    assert NO_REASON not in done.silent.values()


def listed(**more: Any) -> dict[str, Any]:
    snapshot = {
        "snapshot": ID, "host": HOST, "set": "homes", "class": "pupils", "kind": "folders",
        "archive": None, "at": NOW.isoformat(), "paths": ["/home"],
    }  # fmt: skip
    return {
        "repository": "oakfield", "good": True, "message": "", "bytes": 10**9, "escrowed": True,
        "copy": False, "snapshots": [snapshot, {**snapshot, "snapshot": OTHER_ID}], **more,
    }  # fmt: skip


def test_a_list_tells_of_snapshots_keys_and_the_copy(
    school: Path, settings: Settings, journal: Journal
) -> None:
    run = ended(journal, LIST.operation, {SERVER: said("list", listed())})
    found = listed_of(journal, run)
    assert [(name, one.snapshot, one.archive) for name, one in found.snapshots] == [
        ("oakfield", ID, ""), ("oakfield", OTHER_ID, ""),
    ]  # fmt: skip
    (one,) = status(journal, settings, now=NOW).repositories
    assert (one.escrowed, one.has_copy, one.bytes) == (True, False, 10**9)
    assert any("no second copy elsewhere" in fault for fault in one.faults)
    bad = listed(good=False, message="wrong password", escrowed=False)
    listed_of(journal, ended(journal, LIST.operation, {SERVER: said("list", bad)}, at=NOW + HOUR))
    (one,) = status(journal, settings, now=NOW + HOUR).repositories
    assert one.escrowed is None, "of what could not be read nobody knows"
    assert "its snapshots could not be listed: wrong password" in one.faults


def drill_file(journal: Journal, run_id: str) -> Path:
    return Path(told(journal, run_id)["backup_drill"]["file"])


def test_a_drill_takes_what_was_tried_longest_ago(
    school: Path, settings: Settings, journal: Journal
) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    sample = (Sampled("/home/a", 5, SHA),)
    backups.record(
        run,
        [
            tried("homes", snapshot=ID), tried("staff", snapshot=OTHER_ID),
            tried("mis", host="oak-srv-02", snapshot=THIRD_ID, sample=sample),
            tried("empty", snapshot="44" * 32, sample=()),
            tried("homes", host="elm-srv-01", site="elmtree", repository="elm", snapshot="55" * 32),
        ],
    )  # fmt: skip
    backups.drill([Drilled("oakfield", ID, "oakfield", NOW + HOUR, True, "")])
    backups.drill([Drilled("oakfield", OTHER_ID, "oakfield", NOW, False, "x")])
    begun = begin_drill(journal, settings, sample="2")
    file = drill_file(journal, begun)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    chosen = json.loads(file.read_text())
    assert [(one["set"], one["snapshot"]) for one in chosen[SERVER]] == [
        ("mis", THIRD_ID), ("staff", OTHER_ID),
    ]  # fmt: skip
    assert chosen[SERVER][0]["sample"] == [{"path": "/home/a", "size": 5, "sha256": SHA}]
    only = begin_drill(journal, settings, host=HOST)
    assert [one["set"] for one in json.loads(drill_file(journal, only).read_text())[SERVER]] == [
        "staff", "homes",
    ]  # fmt: skip
    with pytest.raises(NoHosts, match=r"no backup yet that could be tried.*backup run"):
        begin_drill(journal, settings, host="oak-pc-01")
    with pytest.raises(NoHosts, match="no backup server"):
        begin_drill(journal, settings, sites=("elmtree",))
    assert len(list(file.parent.glob("drill-*"))) == 2


def test_what_a_drill_proves_is_kept_and_its_file_taken_away(
    school: Path, settings: Settings, journal: Journal
) -> None:
    backups = Backups(journal, "demo")
    backups.record(make_run(journal), [tried("homes"), tried("staff", snapshot=OTHER_ID)])
    file = drill_file(journal, begin_drill(journal, settings))
    result = {
        "repository": "oakfield", "host": HOST, "set": "homes", "snapshot": ID, "files": 1,
        "bytes": 5, "good": True, "message": "",
    }  # fmt: skip
    bad = {**result, "set": "staff", "snapshot": OTHER_ID, "good": False, "message": "other\nhash"}
    run = ended(
        journal, DRILL.operation,
        {SERVER: {"ictops_backup_drill": {"results": [result, bad]}}},
        outcomes={SERVER: "failed"}, extra_vars={"backup_drill": {"file": str(file)}},
    )  # fmt: skip
    done = finish_drill(journal, run)
    assert [(one.set, one.good) for one in done.proofs] == [("homes", True), ("staff", False)]
    assert not done.good
    assert not file.exists()
    finish(journal, settings, run)
    drills = backups.drills()
    assert drills[HOST, "homes"].proved
    assert drills[HOST, "staff"].message == "other; hash"
    stranger = {**result, "snapshot": "99" * 32}
    word = {"ictops_backup_drill": {"results": [stranger]}}
    done = finish_drill(journal, ended(journal, DRILL.operation, {SERVER: word}))
    assert "snapshots that nobody knows" in done.silent[SERVER]


@pytest.mark.parametrize(
    "results",
    [
        None, {}, [None], [{"repository": "oakfield"}],
        [{"repository": "oakfield", "host": HOST, "set": "homes", "snapshot": ID, "good": 1}],
        [{"repository": "oakfield", "host": "a b", "set": "homes", "snapshot": ID, "good": True}],
    ],
)  # fmt: skip
def test_nonsense_proves_nothing(journal: Journal, results: Any) -> None:
    backups = Backups(journal, "demo")
    backups.record(make_run(journal), [tried()])
    word = {"ictops_backup_drill": {"results": results}}
    done = finish_drill(journal, ended(journal, DRILL.operation, {SERVER: word}))
    assert "cannot be read" in done.silent[SERVER]
    assert backups.drills() == {}


def test_what_schedules_may_begin_of_backups(
    school: Path, settings: Settings, journal: Journal
) -> None:
    Backups(journal, "demo").record(make_run(journal), [tried()])
    for words in (
        "backup run --set homes", "backup drill --sample 3", "backup check --parts 30",
        "backup prune", "backup copy", "backup list", "backup run --site oakfield",
    ):  # fmt: skip
        meant = understand(words.split())
        run_id = OPERATIONS[meant.operation].begin(
            journal, settings, sites=("oakfield",), limit=None, scheduled=None, **meant.options
        )
        assert journal.run(run_id).state == "waiting", words


def test_a_promise_of_care_has_an_end(school: Path, settings: Settings, journal: Journal) -> None:
    checked(journal, 1)
    for days, lately in ((13, True), (15, False)):
        now = status(journal, settings, now=NOW + timedelta(days=days))
        faults = now.repositories[0].faults
        assert any("not checked lately" in fault for fault in faults) is not lately
