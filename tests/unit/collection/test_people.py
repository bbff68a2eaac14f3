"""Who counts as logged on."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.people import read_sessions, read_who

WHO = """\
anna     tty7         2026-11-24 08:55 (:0)
bert     pts/0        2026-11-24 09:01 (198.18.1.9)
ictops   pts/3        2026-11-24 09:02 (198.18.0.1)
"""

SESSIONS = """\
Id=2
Name=anna
Class=user
State=active
Seat=seat0
TTY=

Id=c1
Name=gdm
Class=greeter
State=online
Seat=seat0
TTY=tty1

Id=5
Name=backup
Class=user
State=active
Seat=
TTY=

Id=6
Name=bert
Class=user
State=closing
Seat=
TTY=pts/0

Id=7
Name=ictops
Class=user
State=active
Seat=
TTY=pts/3
"""


def test_terminals_of_our_own_do_not_count():
    assert read_who(WHO, {"pts/3"}) == {"anna", "bert"}
    assert read_who("", set()) == set()


def test_the_greeter_a_command_and_a_session_that_ends_are_nobody():
    assert read_sessions(SESSIONS, own="7") == {"anna"}
    assert read_sessions(SESSIONS, own="") == {"anna", "ictops"}
    assert read_sessions("", own="") == set()


ASK = """
from ansible_collections.ictops.schools.plugins.module_utils.people import _own_terminals
print(*_own_terminals())
"""


def test_our_own_terminal_is_known_also_below_a_process_without_one():
    collections = Path(__file__).parents[3] / "collections"
    master, slave = pty.openpty()
    name = os.ttyname(slave).removeprefix("/dev/")
    words = ["setsid", "--ctty", sys.executable, "-c", f"import subprocess, sys\n{OUTER}", ASK]
    try:
        subprocess.run(
            words, check=True, stdin=slave, stdout=slave, timeout=30,
            env={**os.environ, "PYTHONPATH": str(collections)},
        )  # fmt: skip
        assert name in os.read(master, 200).decode().split()
    finally:
        os.close(master)
        os.close(slave)


OUTER = "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True, start_new_session=True)"
