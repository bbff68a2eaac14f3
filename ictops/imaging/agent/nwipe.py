"""Magnetic disks: overwritten once with zeros by nwipe, and all of it read back by the agent.

nwipe 0.34, which is Debian 12's and calls itself 0.33, is trusted with no more than the writing:

- If no disk is named, ``--autonuke`` takes all that there are. So it runs where there is only one:
  in a mount namespace with a /dev of its own. The disk's node is made there by the number of the
  disk that the agent holds open, which no other disk can get meanwhile.
- It waits for ever at a disk that it found and cannot open for writing, and ends with 0 after a
  wrong option. So its log must go on, and must say at the end that all was written without error.
- It reads back what the kernel still has in memory, and not from the disk. So it does not read
  back at all: the agent does, once that memory is let go.

Its ``--nousb`` is left out: it needs more tools, and the agent gives it no such disk.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.method import (
    POLL_SECONDS,
    Method,
    NotErased,
    Pause,
    Refused,
    Tell,
    version_of,
)
from ictops.imaging.agent.overwrite import read_back

WORDS = "clear: overwritten once with zeros by nwipe, and all of it read back"
OPTIONS = ("--autonuke", "--nogui", "--method=zero", "--rounds=1", "--noblank", "--verify=off")
STILL_SECONDS = 300.0
"""How long nwipe may get nothing done. Linux tries a disk's command six times for 30 s each and
resets the disk in between, until it calls it failed; nothing but a hang takes longer."""
END_SECONDS = 30.0
"""How long it may take to end once it is killed; a process that waits for a dead disk does not."""
LAST = 200
"""Characters of its words that a person is shown."""

_ALONE = """
mount -t tmpfs nwipe /dev
mknod /dev/null c 1 3
mknod /dev/urandom c 1 9
mknod "/dev/$1" b "$2" "$3"
disk="/dev/$1"
shift 3
exec nwipe "$@" "$disk"
"""
_HEARS = "Invoking method"
"""From this line on it takes a signal; before, that would end it."""
_BEGAN = "Starting pass"
"""Comes just before the first byte is written."""
_SHARE = re.compile(r"([\d.]+)%, round 1 of 1, pass 1 of 1,")
_TROUBLE = re.compile(r"^\[[^]]*\] +(?:error|fatal|sanity): (.+)$", re.MULTILINE)


def method(path: str) -> Method:
    """Give the method; whether nwipe can be had shows when it is done."""
    try:
        tool = version_of("nwipe", "--version")
    except Refused:
        tool = ""
    return Method(WORDS, partial(_wipe, path), tool=tool)


def _wipe(path: str, tell: Tell, pause: Pause) -> None:
    disk = Disk(Path(path))
    try:
        if not disk.number:
            raise Refused("nwipe takes no plain file")
        with tempfile.TemporaryFile() as log:  # a pipe that nobody empties would hold it up
            _write(disk, log, tell, pause)
        read_back(disk, tell)
    finally:
        disk.close()


def _write(disk: Disk, log: IO[bytes], tell: Tell, pause: Pause) -> None:
    name, number = disk.path.name, disk.number
    words = (name, str(os.major(number)), str(os.minor(number)), *OPTIONS)
    try:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", _ALONE, "nwipe", *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise Refused(f"unshare cannot be started: {error.strerror}") from error
    try:
        _wait(process, log, tell, pause)
    finally:
        _end(process)
    told = _read(log)
    lacking = _lacking(told, name, disk.size)
    if process.returncode or lacking:
        code = f"ended with {process.returncode}"
        raise _failed(told, f"{code} and {lacking}" if lacking else code)


def _wait(process: subprocess.Popen[bytes], log: IO[bytes], tell: Tell, pause: Pause) -> None:
    """Wait until nwipe has ended.

    :raises Refused: if it stands still and has written nothing.
    :raises NotErased: if it stands still later.
    """
    before: object = None
    still = 0.0
    while process.poll() is None:
        pause(POLL_SECONDS)
        told = _read(log)
        shares = _SHARE.findall(told)
        # It answers each signal with a line, so that by then only the share says that it goes on.
        now = shares[-1:] if _HEARS in told else len(told)
        still = still + POLL_SECONDS if now == before else 0.0
        before = now
        if still >= STILL_SECONDS:
            raise _failed(told, f"stood still for {STILL_SECONDS:.0f} seconds")
        if shares:
            tell(min(1.0, float(shares[-1]) / 100) / 2)
        if _HEARS in told:
            process.send_signal(signal.SIGUSR1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of it running.

    :raises NotErased: if the kernel does not let it go.
    """
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):  # it ended just now
        os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotErased("nwipe hangs at the disk and cannot be ended") from error


def _read(log: IO[bytes]) -> str:
    # At a place of our own: nwipe writes where the file's shared position is.
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0).decode(errors="replace")


def _lacking(told: str, name: str, size: int) -> str:
    """Give what nwipe's log says too little of; nothing if it says that all was written."""
    row = rf"^  {re.escape(name[-8:].rjust(8))} \|"
    line = rf"^\[[^]]*\]  notice: (\d+) bytes written to /dev/{re.escape(name)}$"
    written = re.findall(line, told, re.MULTILINE)
    if written != [str(size)]:
        return f"says that {' and '.join(written) or 'none'} of {size} bytes were written"
    if not re.search(rf"{row} +0 \| +0 \| +0$", told, re.MULTILINE) or _TROUBLE.search(told):
        return "does not say that there were no errors"
    if not re.search(rf"{row} Erased \|", told, re.MULTILINE):
        return "does not say that the disk is erased"
    return ""


def _failed(told: str, what: str) -> Refused | NotErased:
    trouble = _TROUBLE.search(told)
    lines = [trouble[1]] if trouble else [line for line in told.splitlines() if line.strip()]
    said = f"it said: {lines[-1].strip()[:LAST]}" if lines else "it said nothing"
    began = NotErased if _BEGAN in told else Refused
    return began(f"nwipe {what}; {said}")
