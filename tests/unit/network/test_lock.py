from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ictops.errors import SwitchError
from ictops.network.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from ictops.network.lock import locked
with locked(Path(sys.argv[1]), "oak", "sw-01") as lock:
    lock.note(armed_until=time.time() + float(sys.argv[2]))
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that changes the switch, which is armed for so long."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_who_comes_second_is_told_who_was_first(tmp_path: Path) -> None:
    first = holder(tmp_path, 0)
    try:
        with (
            pytest.raises(SwitchError, match=f"just now: process {first.pid}, since 20") as caught,
            locked(tmp_path, "oak", "sw-01"),
        ):
            pass
        assert caught.value.where == "oak/sw-01"
        with locked(tmp_path, "oak", "sw-02"), locked(tmp_path, "elm", "sw-01"):
            pass  # others are not concerned
    finally:
        kill(first)


def test_one_that_was_killed_leaves_word_of_what_may_still_come(tmp_path: Path) -> None:
    kill(holder(tmp_path, 60))
    with (
        pytest.raises(SwitchError, match="broken off, and its dead-man switch") as caught,
        locked(tmp_path, "oak", "sw-01"),
    ):
        pass
    assert "Wait until 20" in caught.value.do


def test_when_that_is_over_it_can_be_changed_again(tmp_path: Path) -> None:
    kill(holder(tmp_path, 0))
    with locked(tmp_path, "oak", "sw-01"):
        pass


def test_a_note_that_is_no_note_holds_nobody_up(tmp_path: Path) -> None:
    for text in ("", '{"pid": 1', "[]", '{"armed_until": "soon"}'):
        (tmp_path / "oak").mkdir(exist_ok=True)
        (tmp_path / "oak" / "sw-01.lock").write_text(text)
        with locked(tmp_path, "oak", "sw-01"):
            pass


def test_an_error_in_the_middle_leaves_the_note(tmp_path: Path) -> None:
    def broken_off() -> None:
        with locked(tmp_path, "oak", "sw-01") as lock:
            lock.note(armed_until=time.time() + 60)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    note = json.loads((tmp_path / "oak" / "sw-01.lock").read_text())
    assert note["armed_until"] > time.time()
    assert (tmp_path / "oak").stat().st_mode & 0o077 == 0
