# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is logged on to a host, at its screen or at a terminal.

logind knows the sessions of every display manager, also of those that write no utmp; who(1)
knows the terminals of a host without libpam-systemd. Neither counts the session through
which we look, nor one that only runs a command.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

WANTED = ("Id", "Name", "Class", "State", "Seat", "TTY")


def logged_on(module) -> list[str]:
    """Give the names of those who are logged on, sorted."""
    _, out, _ = module.run_command(["who"])
    names = read_who(out, _own_terminals())
    if module.get_bin_path("loginctl"):
        _, out, _ = module.run_command(["loginctl", "list-sessions", "--no-legend"])
        ids = [line.split()[0] for line in out.splitlines() if line.split()]
        if ids:
            words = [f"--property={name}" for name in WANTED]
            # A session that ends meanwhile makes it exit with 1; the others are told.
            _, out, _ = module.run_command(["loginctl", "show-session", *words, *ids])
            names |= read_sessions(out, _own_session())
    return sorted(names)


def read_who(text: str, own: set[str]) -> set[str]:
    """Read what who(1) prints; ``own`` are terminals that do not count, such as ``pts/0``."""
    lines = [line.split() for line in text.splitlines()]
    return {words[0] for words in lines if len(words) > 1 and words[1] not in own}


def read_sessions(text: str, own: str) -> set[str]:
    """Read what 'loginctl show-session' prints; ``own`` is the session that does not count."""
    names = set()
    for block in text.split("\n\n"):
        session = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if (
            session.get("Class") == "user"
            and session.get("State") != "closing"
            and (session.get("Seat") or session.get("TTY"))
            and session.get("Id") != own
        ):
            names.add(session["Name"])
    return names


def _own_session() -> str:
    found = re.search(r"/session-([^/]+)\.scope", Path("/proc/self/cgroup").read_text())
    return found.group(1) if found else ""


def _own_terminals() -> set[str]:
    """Give the terminals of this process and those above it: 'ssh -tt' and sudo make such."""
    found = set()
    pid = os.getpid()
    while pid > 1:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break  # it ended meanwhile
        # After the name in brackets: state, parent, group, session, terminal; see proc(5).
        fields = stat.rpartition(")")[2].split()
        terminal = int(fields[4])
        major, minor = terminal >> 8 & 0xFFF, terminal & 0xFF | terminal >> 12 & 0xFFF00
        if 136 <= major <= 143:  # noqa: PLR2004 - the kernel's numbers of pseudo-terminals
            found.add(f"pts/{(major - 136) * 256 + minor}")
        pid = int(fields[1])
    return found
