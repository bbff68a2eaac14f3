"""``ictops backup`` as a person types it, on what runs have left in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.settings import load_settings
from ictops.store.audit import Audit
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import AuditRecord, CareRecord, Drilled
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from tests.support.backups import ID, OTHER_ID, THIRD_ID, make_school, tried
from tests.support.journals import make_run
from tests.unit.cli.conftest import Typed

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
HOST = "oak-srv-01"


@pytest.fixture
def school(cluster: Path) -> Path:
    """A cluster of one school with three sets, and another one without a backup server."""
    for old in cluster.rglob("*.yml"):
        old.unlink()
    return make_school(cluster)


@pytest.fixture
def journal(school: Path) -> Iterator[Journal]:
    journal = Journal.open(load_settings().journal_url)
    yield journal
    journal.close()


def test_how_backups_are_is_shown(typed: Typed, journal: Journal, school: Path) -> None:
    said = typed("backup", "status", code=3).out
    assert f"{HOST} " in said
    assert "never" in said
    assert "site elmtree has no backup server" in said
    (school / "elmtree.yml").unlink()
    backups, run = Backups(journal, "demo"), make_run(journal)
    backups.record(
        run,
        [
            tried("homes", at=NOW - HOUR), tried("staff", snapshot=OTHER_ID, at=NOW - HOUR),
            tried("mis", host="oak-srv-02", snapshot=THIRD_ID, at=NOW - 49 * HOUR),
        ],
    )  # fmt: skip
    said = typed("backup", "status", code=0).out
    assert "unproved" in said
    backups.drill([Drilled("oakfield", THIRD_ID, "oakfield", NOW, True, "")])
    assert "proved " in typed("backup", "status", code=0).out
    backups.drill([Drilled("oakfield", ID, "oakfield", NOW, False, "another\x1b[2J hash")])
    backups.record(run, [tried("staff", good=False, at=NOW, message="disk \x1b[31mfull")])
    care = CareRecord(
        "demo", "oakfield", "list", "oakfield", "oak-bak-01", NOW, True, NOW, "",
        {"bytes": 1_234_567_890, "escrowed": False, "copy": False},
    )  # fmt: skip
    BackupCare(journal, "demo").record([care])
    said = typed("backup", "status", "--site", "oakfield", code=3).out
    assert "\x1b" not in said
    assert f"! {HOST}: staff failed 1 time in a row: disk" in said
    assert f"! {HOST}: homes could not be restored when it was tried on" in said
    assert "1.23 GB" in said
    assert "! oakfield: keys not escrowed" in said
    assert "! oakfield: no second copy elsewhere" in said
    told = json.loads(typed("backup", "status", "--json", code=3).out)
    assert [(one["host"], one["state"], one["drill"]) for one in told["hosts"]] == [
        (HOST, "kept", "failed"), ("oak-srv-02", "kept", "proved"),
    ]  # fmt: skip
    assert told["broken"] is True


def test_where_nothing_is_to_be_backed_up_that_is_said(typed: Typed, school: Path) -> None:
    for path in (school / "host_vars" / "oak-srv-02.yml", school / "elmtree.yml"):
        path.unlink()
    (school / "oakfield.yml").write_text("site_oakfield: {hosts: {oak-pc-01: }}\n")
    assert "give hosts backup_sets" in typed("backup", "status", code=0).out
    assert "no host says what" in typed("backup", "run", code=3).err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("drill", "--site", "elmtree"), "no backup server is known here"),
        (("check", "--site", "elmtree"), "backup_server.yml"),
        (("prune", "--site", "elmtree"), "group backup_servers"),
        (("copy", "--site", "elmtree"), "site elmtree"),
        (("list", "--site", "elmtree"), "no backup server"),
        (("find", "--site", "elmtree", "--path", "*x*"), "no backup server"),
        (("find", "--path", ""), "say what is looked for"),
        (("find", "--path", "x", "--after", "soon"), "no day or time"),
        (("drill",), "no backup yet that could be tried"),
        (("run", "--site", "oak"), "there is no site 'oak'"),
        (("run", "--set", "music"), "no host has a set music"),
        (("status", "--site", "oak"), "there is no site 'oak'"),
        (("restore", HOST, "essay.odt", "--reason", "x"), "no whole path"),
        (("restore", HOST, "/a", "--reason", " "), "say why"),
        (("restore", "oak-srv-1", "/a", "--reason", "x"), "Did you mean oak-srv-01?"),
        (("restore", HOST, "/a", "--reason", "x", "--overwrite"), "Add --in-place"),
        (("restore", HOST, "/a", "--reason", "x", "--to", "/b", "--in-place"), "either back"),
        (("restore", HOST, "/a", "--reason", "x", "--snapshot", "latest"), "no snapshot's id"),
        (("restore", HOST, "/a", "--reason", "x", "--on", "elm-srv-01"), "same school"),
        (("restore", HOST, "/a", "--reason", "x", "--at", "soon"), "no day or time"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_to_do(
    typed: Typed, school: Path, words: tuple[str, ...], text: str
) -> None:
    assert text in typed("backup", *words, code=3).err


def test_a_restore_needs_a_reason_and_one_backup(typed: Typed, school: Path) -> None:
    assert "--reason" in typed("backup", "restore", HOST, "/a", code=2).err
    words = ("--reason", "x", "--snapshot", ID, "--at", "2026-10-26")
    assert "not both" in typed("backup", "restore", HOST, "/a", *words, code=2).err


def test_the_audit_trail_is_shown(typed: Typed, journal: Journal) -> None:
    assert "nothing was restored" in typed("journal", "audit", code=0).out
    entry = AuditRecord(
        "demo", NOW, "ann", "restored", "oakfield", f"{HOST}:/home/\x1b[2Ja", "1 file", "asked", "r"
    )
    Audit(journal).add(entry)
    said = typed("journal", "audit", "--site", "oakfield", code=0).out
    assert "\x1b" not in said
    assert "asked" in said
    (told,) = json.loads(typed("journal", "audit", "--json", code=0).out)
    assert (told["by"], told["what"], told["run_id"]) == ("ann", "restored", "r")
    day = f"{NOW + timedelta(days=2):%Y-%m-%d}"
    assert "nothing was restored" in typed("journal", "audit", "--since", day, code=0).out


def test_nothing_is_deleted_that_is_not_archived(typed: Typed, school: Path) -> None:
    later = f"{NOW + timedelta(days=9):%Y-%m-%d}"
    when = ("--until", later)
    assert "Nothing is archived" in typed("plan", "delete", "leavers", *when, code=3).err
    words = ("plan", "archive", "leavers", HOST, "/home", "--keep-until", "2090-01-01", *when)
    assert "too much is in it" in typed(*words, code=3).err
