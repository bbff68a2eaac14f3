from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ictops.errors import JournalDamaged, JournalError
from ictops.operations.housekeeping import keep_house_daily
from ictops.settings import Settings, load_settings
from ictops.store import copies
from ictops.store.journal import Journal
from tests.support.journals import NOW, make_run


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def settings(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ICTOPS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ICTOPS_JOURNAL", url)
    return load_settings()


@contextmanager
def opened(url: str) -> Iterator[Journal]:
    journal = Journal.open(url)
    try:
        yield journal
    finally:
        journal.close()


@pytest.fixture
def copied_run(url: str) -> str:
    """A run that is in the journal and in its one copy."""
    with opened(url) as journal:
        run = make_run(journal)
        copies.make_copy(url, NOW)
    return run


def damage(url: str, how: str) -> None:
    path = copies.journal_file(url)
    content = bytearray(path.read_bytes())
    match how:
        case "pages":
            content[4096:40960] = b"\xff" * (40960 - 4096)
        case "header":
            content[:100] = b"\0" * 100
        case "cut":
            del content[len(content) // 2 :]
        case "empty":
            content.clear()
        case "gone":
            path.unlink()
            return
    path.write_bytes(content)


def test_a_journal_is_for_nobody_else(journal: Journal, tmp_path: Path) -> None:
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", ["pages", "header", "cut", "empty", "gone"])
def test_a_damaged_journal_is_noticed_and_its_copy_put_back(
    url: str, copied_run: str, how: str
) -> None:
    damage(url, how)
    assert copies.faults(copies.journal_file(url))
    with pytest.raises(JournalDamaged, match="'ictops journal restore'"), opened(url) as journal:
        journal.hosts(copied_run)
    if how not in {"empty", "gone"}:
        with pytest.raises(JournalDamaged, match="'ictops journal restore'"):
            copies.make_copy(url, NOW + timedelta(days=1))
    good = copies.newest_good(url)
    assert good is not None
    aside = copies.restore(url, good, NOW)
    assert aside.is_file() == (how != "gone")
    with opened(url) as journal:
        assert len(journal.hosts(copied_run)) == 2


def test_the_newest_copy_that_is_whole_is_offered(url: str, copied_run: str) -> None:
    later = copies.make_copy(url, NOW + timedelta(hours=1))
    assert copies.newest_good(url) == later
    later.path.write_bytes(later.path.read_bytes()[:5000])
    good = copies.newest_good(url)
    assert good is not None
    assert good.made_at == NOW
    with pytest.raises(JournalError, match="damaged as well"):
        copies.restore(url, later, NOW)


def test_a_journal_in_use_is_not_replaced(url: str, copied_run: str) -> None:
    code = (
        "import sys; from ictops.store.journal import Journal; "
        "Journal.open(sys.argv[1]).runs(); print('open', flush=True); sys.stdin.read()"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", code, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert user.stdin is not None
    assert user.stdout is not None
    user.stdout.readline()
    (copy,) = copies.copies(url)
    with pytest.raises(JournalError, match=f"in use by process {user.pid}"):
        copies.restore(url, copy, NOW)
    user.communicate()
    assert copies.restore(url, copy, NOW).is_file()


def test_a_restore_that_is_cut_off_can_be_done_again(
    url: str, copied_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(url, "pages")
    (copy,) = copies.copies(url)

    def cut_off(_source: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut_off)
        with pytest.raises(KeyboardInterrupt):
            copies.restore(url, copy, NOW)
    assert copies.faults(copies.journal_file(url)), "never an empty or a half one in its place"
    copies.restore(url, copy, NOW)
    with opened(url) as journal:
        assert len(journal.hosts(copied_run)) == 2


def test_the_write_ahead_log_of_the_damaged_one_is_not_taken_for_the_copy_s(
    url: str, copied_run: str
) -> None:
    path = copies.journal_file(url)
    with closing(sqlite3.connect(path)) as writer:  # as a killed process leaves it
        writer.execute("UPDATE run SET title = 'only in the log'")
        writer.commit()
        kept = {s: Path(f"{path}{s}").read_bytes() for s in copies.BESIDE}
    damage(url, "pages")
    for suffix, content in kept.items():
        Path(f"{path}{suffix}").write_bytes(content)
    (copy,) = copies.copies(url)
    aside = copies.restore(url, copy, NOW)
    assert Path(f"{aside}-wal").read_bytes() == kept["-wal"]
    with opened(url) as journal:
        assert journal.run(copied_run).title == "t"
    assert copies.faults(path) == []


def test_a_copying_that_was_cut_off_leaves_nothing_behind(url: str, copied_run: str) -> None:
    (copy,) = copies.copies(url)
    half = copy.path.with_name("journal-20200101T000000Z.part")
    half.write_bytes(b"half a copy")
    (copy.path.parent / "journal-of-mine.db").write_bytes(b"no copy of ours")
    copies.make_copy(url, NOW + timedelta(hours=1))
    assert len(copies.copies(url)) == 2
    assert not half.exists()


@contextmanager
def no_large_files() -> Iterator[None]:
    """Let nobody write much, not even pytest into a file: for as short as can be."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_that_cannot_be_written_is_no_damage(url: str, copied_run: str) -> None:
    before = copies.copies(url)
    with pytest.raises(JournalError, match="no copy could be made") as raised, no_large_files():
        copies.make_copy(url, NOW + timedelta(hours=1))
    assert not isinstance(raised.value, JournalDamaged)
    assert copies.copies(url) == before
    assert list(before[0].path.parent.glob("*.part")) == []


def test_keeping_house_copies_the_journal_once_a_day(
    url: str, settings: Settings, journal: Journal
) -> None:
    make_run(journal)
    for hours, wanted in ((0, 1), (5, 1), (25, 2)):
        keep_house_daily(journal, settings, NOW + timedelta(hours=hours))
        assert len(copies.copies(url)) == wanted
    for days in range(2, 20):
        keep_house_daily(journal, settings, NOW + timedelta(days=days))
    assert len(copies.copies(url)) == copies.KEPT
