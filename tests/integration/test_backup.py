"""Backups as a school has them: real hosts of the lab, restic, and what a person types."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator

import pytest

from ictops.store.journal import Journal
from tests.support.backed_up import HOST, OTHER, SERVER, BackedUp, school_of
from tests.support.schools import a_day_ago, just_now

pytestmark = pytest.mark.lab
ESSAY = "/home/pupils/ann/essay.odt"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUp]:
    with school_of(tmp_path_factory.mktemp("backups")) as one:
        yield one


def hosts(told: dict[str, list[dict[str, object]]]) -> dict[object, dict[str, object]]:
    return {one["host"]: one for one in told["hosts"]}


def test_hosts_are_backed_up_and_it_is_told_how_old_that_is(school: BackedUp) -> None:
    assert hosts(school.json("backup", "status", code=3))[HOST]["state"] == "never"
    done = school.json("backup", "run")
    assert (done["good"], done["failed"], done["silent"]) == (3, {}, {})
    now = hosts(school.json("backup", "status"))
    assert {name: (one["state"], one["drill"]) for name, one in now.items()} == {
        HOST: ("kept", "unproved"), OTHER: ("kept", "unproved"),
    }  # fmt: skip
    listed = school.json("backup", "list", "--host", HOST)
    assert {one["set"] for one in listed["snapshots"]} == {"homes", "settings"}


def test_a_deleted_file_is_found_and_is_right_to_the_byte(school: BackedUp) -> None:
    first = school.digest(ESSAY)
    newest = school.has(ESSAY, "my essay, second version")
    school.ictops("backup", "run", "--set", "homes", "--limit", HOST)
    school.on(HOST, f"rm {ESSAY}")
    found = school.json("backup", "find", "--site", "lab001", "--path", "*essay*")["found"]
    assert [one["path"] for one in found] == [ESSAY, ESSAY]
    back = school.json("backup", "restore", HOST, ESSAY, "--reason", "a pupil deleted it")
    assert back["where"].startswith("/var/lib/ictops-restored/")
    assert school.digest(back["where"]) == newest
    assert school.state(back["where"]) == ("pupil", "640")
    older = school.json(
        "backup", "restore", HOST, ESSAY, "--snapshot", found[-1]["snapshot"], "--in-place",
        "--reason", "the first one",
    )  # fmt: skip
    assert older["where"] == ESSAY
    assert (school.digest(ESSAY), school.state(ESSAY)) == (first, ("pupil", "640"))
    said = school.ictops(
        "backup", "restore", HOST, ESSAY, "--in-place", "--reason", "again", code=4
    )
    assert "was NOT brought back" in said
    assert school.digest(ESSAY) == first, "nothing is overwritten unasked"
    over = ("--in-place", "--overwrite", "--reason", "over it")
    school.ictops("backup", "restore", HOST, ESSAY, *over)
    assert school.digest(ESSAY) == newest
    trail = [one["what"] for one in school.json("journal", "audit")]
    assert trail.count("restored") == 3
    assert trail.count("restore failed") == 1


def test_signs_in_a_name_and_another_host(school: BackedUp) -> None:
    path = "/home/pupils/ben/a [1] *.txt"
    back = school.json("backup", "restore", HOST, path, "--on", OTHER, "--reason", "it is broken")
    assert school.digest(back["where"], OTHER) == school.digest(path)


def test_what_is_in_no_backup_is_told(school: BackedUp) -> None:
    words = ("backup", "restore", HOST, "/home/pupils/nobody", "--reason", "x")
    assert "no backup has it under this name" in school.ictops(*words, code=3)
    words = ("backup", "restore", HOST, ESSAY, "--at", "2020-01-01", "--reason", "x")
    assert "the oldest that has is of" in school.ictops(*words, code=3)


def test_a_drill_proves_a_backup(school: BackedUp) -> None:
    done = school.json("backup", "drill")
    assert {(one["host"], one["set"], one["good"]) for one in done["proofs"]} == {
        (HOST, "homes", True), (HOST, "settings", True), (OTHER, "homes", True),
    }  # fmt: skip
    now = hosts(school.json("backup", "status"))
    assert {one["drill"] for one in now.values()} == {"proved"}


def test_a_schedule_begins_a_backup(school: BackedUp) -> None:
    school.ictops("schedule", "add", "nightly", just_now(), "--", "backup", "run", "--limit", OTHER)
    journal = Journal.open(school.journal_url)
    a_day_ago(journal)
    (run,) = school.json("tick")["begun"]
    assert journal.run(run).state == "finished"
    assert [one.host for one in journal.hosts(run)] == [OTHER]
    journal.close()
    school.ictops("schedule", "remove", "nightly")


def test_a_failed_backup_is_told_once(school: BackedUp) -> None:
    school.on(SERVER, "mv /usr/bin/rclone /usr/bin/rclone.away")
    try:
        done = school.json("backup", "run", "--limit", OTHER, code=4)
        assert list(done["failed"][OTHER]) == ["homes"]
        for _ in range(2):
            school.ictops("tick")
        told = school.json("notify", "list")["alarms"]
        (one,) = [one for one in told if one["host"] == OTHER]
        assert (one["severity"], one["text"], one["version"]) == (
            "warning", "the backup failed", 1,
        )  # fmt: skip
    finally:
        school.on(SERVER, "mv /usr/bin/rclone.away /usr/bin/rclone")
    school.ictops("backup", "run", "--limit", OTHER)
    assert hosts(school.json("backup", "status"))[OTHER]["failures"] == 0


@pytest.fixture
def slow(school: BackedUp) -> Iterator[None]:
    """Have a backup take some ten seconds."""
    file = school.work.folder / "inventories" / "t" / "host_vars" / f"{HOST}.yml"
    before = file.read_text()
    file.write_text(f"{before}backup_upload_limit: 800\n")
    school.on(HOST, "head -c 8000000 /dev/urandom > /home/pupils/ann/film.mp4")
    yield
    file.write_text(before)


def at_work(school: BackedUp) -> subprocess.Popen[str]:
    """Begin a backup, and wait until restic is at work."""
    begun = school.work.start("backup", "run", "--set", "homes", "--limit", HOST, "--json")
    school.on(HOST, "until pgrep -x restic; do sleep 0.2; done")
    return begun


@pytest.mark.usefixtures("slow")
def test_a_lost_connection_ends_no_backup(school: BackedUp) -> None:
    begun = at_work(school)
    lost = school.on(HOST, "ids=$(pgrep -f '^sshd: ictops'); kill -9 $ids; echo $ids")
    said, _ = begun.communicate(timeout=300)
    assert lost
    assert begun.returncode == 0, said
    assert school.json("backup", "find", "--site", "lab001", "--path", "*/film.mp4")["found"]


@pytest.mark.usefixtures("slow")
def test_a_backup_that_is_ended_at_the_host_is_told_at_once(school: BackedUp) -> None:
    begun = at_work(school)
    school.on(
        HOST, "kill -9 $(pgrep -f '[a]sync_wrapper|[A]nsiballZ_backup_run') $(pgrep -x restic)"
    )
    said, _ = begun.communicate(timeout=120)
    assert begun.returncode == 4, said
    assert "the backup was ended before its time" in school.ictops("backup", "status", code=0)
    school.ictops("backup", "run", "--set", "homes", "--limit", HOST)


def test_leavers_are_archived_and_deleted_by_two_people(school: BackedUp) -> None:
    left = "/home/pupils/leaver"
    school.has(f"{left}/work.txt", "all their work")
    when = ("--in", "christmas")
    school.ictops(
        "plan", "archive", "leavers-1", HOST, left, "--remove", *when, "-o", "archive.yml"
    )
    now = ("--now", "--reason", "they left")
    assert "not approved" in school.ictops("apply", "archive.yml", *now, code=3)
    assert "another person" in school.ictops("plan", "approve", "archive.yml", code=3)
    school.as_person("bea", "plan", "approve", "archive.yml")
    school.ictops("apply", "archive.yml", *now)
    school.on(HOST, f"test ! -e {left}")
    back = school.json("backup", "restore", HOST, f"{left}/work.txt", "--reason", "they asked")
    assert school.on(HOST, f"cat {back['where']}") == "all their work"
    words = ("plan", "delete", "leavers-1", *when, "-o", "delete.yml")
    assert "to be kept until" in school.ictops(*words, code=3)
    with sqlite3.connect(school.work.folder / "state" / "journal.db") as connection:
        connection.execute("UPDATE backup_archive SET keep_until = '2026-01-01'")
    connection.close()
    school.ictops(*words)
    school.as_person("bea", "plan", "approve", "delete.yml")
    school.ictops("apply", "delete.yml", *now)
    assert not [
        one for one in school.json("backup", "list")["snapshots"] if one["archive"] == "leavers-1"
    ]
    trail = {one["what"]: one for one in school.json("journal", "audit")}
    for what in ("archived", "deleted"):
        assert "approved by bea" in trail[what]["details"]


def damage_every_piece(school: BackedUp) -> None:
    """Write over some bytes of each piece in each pack, and of the packs' ends.

    The smallest piece that restic stores is an encrypted file of a few bytes, of about fifty.
    """
    school.on(
        SERVER,
        "python3 - <<'END'\n"
        "import pathlib\n"
        f"for pack in pathlib.Path('{school.repository()}/data').glob('*/*'):\n"
        "    pack.chmod(0o600)\n"
        "    held = bytearray(pack.read_bytes())\n"
        "    for at in range(8, len(held) - 8, 40):\n"
        "        held[at:at + 8] = b'DAMAGED!'\n"
        "    pack.write_bytes(held)\n"
        "END",
    )


def test_a_damaged_pack_is_found_by_a_drill_and_a_check(school: BackedUp) -> None:
    """The last test: it leaves the repository damaged."""
    damage_every_piece(school)
    done = school.json("backup", "drill", code=4)
    assert {one["good"] for one in done["proofs"]} == {False}
    done = school.json("backup", "check", "--parts", "1", code=4)
    assert [one["good"] for one in done["repositories"]] == [False]
    assert hosts(school.json("backup", "status", code=3))[HOST]["drill"] == "failed"
    school.ictops("tick")
    urgent = [
        one["text"] for one in school.json("notify", "list")["alarms"]
        if one["severity"] == "urgent"
    ]  # fmt: skip
    assert "a restore drill failed" in urgent
    assert any("a check found damage in its backups" in text for text in urgent)
