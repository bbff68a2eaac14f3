"""What erases a disk, and how a tool is asked to do it.

The words clear and purge are those of NIST SP 800-88. Revision 1 (2014) and IEEE 2883-2022, to
which revision 2 (2025) points, differ about NVMe format and ATA security erase. The weaker word
is used where they do: only a drive's own sanitize command is called a purge.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

POLL_SECONDS = 5.0
"""How often a drive is asked how far it is."""

Tell = Callable[[float], None]
"""Is told which share of the work is done, 0 to 1."""
Pause = Callable[[float], None]


class Refused(Exception):
    """The drive does not take this command; nothing was begun, another method may do."""


class NotErased(Exception):
    """The disk is not erased, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to erase a disk.

    :ivar words: such as ``purge: NVMe sanitize, block erase``.
    :ivar run: does it, and comes back when it is done; raises Refused or NotErased.
    :ivar blank: whether the disk must read as nothing afterwards. Where a key is thrown away or
        the vendor chooses what is written, it must only read as something else than before.
    :ivar tool: what is used, with its version.
    """

    words: str
    run: Callable[[Tell, Pause], None]
    blank: bool = True
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a disk offers, best first.

    :ivar why: why there is no other method, for a person.
    """

    methods: tuple[Method, ...] = ()
    why: str = ""


def asked(words: Sequence[str]) -> bytes:
    """Run a tool and give what it printed.

    :raises Refused: with its own words, if it fails.
    """
    done = ran(words)
    if done.returncode:
        raise Refused(f"{words[0]}: {said(done)}")
    return done.stdout


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Give the first line that a tool said, errors before all else."""
    lines = (done.stderr + done.stdout).decode(errors="replace").splitlines()
    told = (line.strip()[:200] for line in lines if line.strip())
    return next(told, f"exit code {done.returncode}")


def ran(words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a tool to its end.

    :raises Refused: if it cannot be started.
    """
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise Refused(f"{words[0]} cannot be started: {error.strerror}") from error


def version_of(tool: str, option: str) -> str:
    """Give a tool's name and version as it says them itself.

    :raises Refused: if it cannot be started.
    """
    return asked([tool, option]).decode(errors="replace").partition("\n")[0].strip()[:80]
