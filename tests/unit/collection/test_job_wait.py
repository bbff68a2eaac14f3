"""Waiting at a host for a job of Ansible's that is not bound to a connection."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import begin, said

NAME = "j424242.77"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Give the file of a job that is at work, as Ansible's async_wrapper writes it."""
    path = tmp_path / NAME
    path.write_text(json.dumps({"started": True, "finished": False, "ansible_job_id": NAME}))
    return path


@pytest.fixture
def at_work() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process with the beginning of the job's name among its words."""
    words = ["sh", "-c", "read line", "j424242", "60"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def waited(path: Path, seconds: float) -> dict[str, Any]:
    return said(begin("job_wait", {"path": str(path), "seconds": seconds}))


def test_what_the_module_gave_is_there_when_it_ends(
    job: Path, at_work: subprocess.Popen[bytes]
) -> None:
    result = {"failed": True, "msg": "no room", "changed": False}
    ends = threading.Timer(1, lambda: job.write_text(json.dumps(result)))
    ends.start()
    told = waited(job, 60)
    ends.join()
    assert (told["state"], told["result"]) == ("ended", result)
    assert not told.get("failed"), "that the job failed is not that waiting failed"
    assert at_work.poll() is None
    assert waited(job, 60)["result"] == result, "it is told again where the answer was lost"


def test_what_was_told_days_ago_is_kept_no_longer(job: Path) -> None:
    old, new = job.with_name("j1.1.told"), job.with_name("j1.2.told")
    for path, days in ((old, 2), (new, 0)):
        path.write_text("{}")
        moment = time.time() - days * 86400
        os.utime(path, (moment, moment))
    job.write_text('{"changed": true}')
    os.utime(job, (0, 0))  # it ended long before somebody could ask
    assert waited(job, 60)["state"] == "ended"
    assert waited(job, 60)["state"] == "ended"
    assert (old.exists(), new.exists(), job.exists()) == (False, True, False)


@pytest.mark.usefixtures("at_work")
def test_a_job_that_is_at_work_is_not_waited_for_without_end(job: Path) -> None:
    assert waited(job, 0.2)["state"] == "at_work"


def test_a_job_that_was_ended_without_a_word_is_lost(job: Path) -> None:
    assert waited(job, 60)["state"] == "lost"


def test_no_job_is_told(tmp_path: Path) -> None:
    told = waited(tmp_path / "j1.2", 60)
    assert told["failed"]
    assert "there is no job" in told["msg"]
