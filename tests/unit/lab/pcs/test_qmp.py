from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ictops.errors import LabError
from ictops.lab.pcs.qmp import ask


@contextmanager
def qemu(folder: Path, *answers: dict) -> Iterator[list[dict]]:
    """Say a greeting, and an answer to each command until there are no more."""
    heard: list[dict] = []
    here = Path.cwd()
    os.chdir(folder)  # as QEMU does, for a path that may be longer than a socket's
    line = socket.socket(socket.AF_UNIX)
    line.bind("qmp")
    os.chdir(here)
    line.listen()

    def serve() -> None:
        talk, _ = line.accept()
        with talk, talk.makefile("rw") as file:
            file.write('{"QMP": {}}\n')
            file.flush()
            for answer in answers:
                heard.append(json.loads(file.readline()))
                for one in ({"event": "SOMETHING"}, answer):
                    file.write(json.dumps(one) + "\n")
                file.flush()
            file.readline()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        thread.join(5)
        line.close()


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / ("x" * 100) / "pc"
    folder.mkdir(parents=True)
    return folder


def test_a_command_is_answered_between_events(deep: Path) -> None:
    with qemu(deep, {"return": {}}, {"return": {"running": True}}) as heard:
        assert ask(deep, "query-status", verbose=False) == {"running": True}
    assert heard[1] == {"execute": "query-status", "arguments": {"verbose": False}}


def test_a_refusal_is_told(deep: Path) -> None:
    refusal = {"error": {"class": "GenericError", "desc": "Device 'card' not found"}}
    with qemu(deep, {"return": {}}, refusal), pytest.raises(LabError, match="'card' not found"):
        ask(deep, "set_link", name="card", up=False)


def test_one_that_ends_meanwhile_is_told(deep: Path) -> None:
    with qemu(deep, {"return": {}}), pytest.raises(LabError, match="ended"):
        ask(deep, "system_reset")


def test_one_that_is_off_is_told(deep: Path) -> None:
    with pytest.raises(LabError, match="does not answer"):
        ask(deep, "system_reset")
