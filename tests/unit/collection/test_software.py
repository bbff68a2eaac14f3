"""Health checks as they are run, and what is refused before a host is looked at."""

from __future__ import annotations

import os
import select
import time

import pytest
from ansible_collections.ictops.schools.plugins.modules.software_health import check
from ansible_collections.ictops.schools.plugins.modules.software_state import mistakes


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["true"], ""),
        (["false"], "exit code 1, without a word"),
        (["sh", "-c", "echo fine; echo no profile >&2; exit 3"], "fine\nno profile"),
        (["/nowhere/tool"], "/nowhere/tool: No such file or directory"),
        (["sh", "-c", "kill -9 $$"], "exit code -9, without a word"),
        (["printf", "%0900d"], ""),
    ],
)
def test_a_check_says_why_it_failed(words, reason):
    assert check(words, 10) == reason


def test_a_check_that_hangs_is_ended_with_what_it_started(tmp_path):
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    try:
        script = f"exec 9>{tmp_path / 'held'}; sleep 60 & wait"
        assert check(["sh", "-c", script], 0.3) == "took longer than 0.3 s"
        # The pipe hangs up once the last process that holds it has ended.
        poll = select.poll()
        poll.register(held, 0)
        assert poll.poll(5000) == [(held, select.POLLHUP)]
    finally:
        os.close(held)


def test_a_check_that_leaves_a_program_running_is_not_waited_for():
    begun = time.monotonic()
    assert check(["sh", "-c", "sleep 3 & exit 0"], 2) == ""
    assert time.monotonic() - begun < 2


def item(**fields):
    return {"name": "tool", "version": "1.0", "deb": None, "sha256": None, "flatpak": None} | fields


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"version": 1.1}, "put the version of tool into quotes"),
        ({"deb": "https://example.org/tool.deb"}, "needs its sha256"),
        ({"deb": "tool.deb", "flatpak": "flathub"}, "both as a .deb and as a flatpak"),
        ({"name": "old"}, "both wanted and to be removed"),
    ],
)
def test_mistakes(fields, says):
    (found,) = mistakes([item(), item(**fields)], ["old"])
    assert says in found


def test_no_mistake():
    assert mistakes([item(), item(deb="https://example.org/t.deb", sha256="0" * 64)], []) == []
