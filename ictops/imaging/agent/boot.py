"""The boot entries of a UEFI PC, by efibootmgr(8)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.manifest import BootEntry

_ENTRY = re.compile(r"Boot([0-9A-Fa-f]{4})\*? (.*?)(?:\t(.*))?")
_PARTITION = re.compile(r"HD\(\d+,GPT,([0-9a-fA-F-]{36}),")


class Entries(Protocol):
    """What a PC's firmware boots."""

    def remove(self, label: str, partitions: Collection[str]) -> None:
        """Remove the entries with this label, and those to partitions with these GUIDs."""

    def add(self, entry: BootEntry, disk: Path) -> None:
        """Make the disk what is booted next, and behind the network, if that is first."""

    def disk_next(self) -> None:
        """Boot the disk once, whatever is first."""

    def has(self, label: str) -> bool:
        """Say whether there is an entry with this label."""

    def keep(self, entry: BootEntry, disk: Path) -> None:
        """See that there is this entry, behind all others if it is new."""


class NoEntries:
    """A BIOS PC has none: it reads the disk's boot code."""

    def remove(self, label: str, partitions: Collection[str]) -> None:
        """Do nothing."""

    def add(self, entry: BootEntry, disk: Path) -> None:
        """Do nothing."""

    def disk_next(self) -> None:
        """Do nothing."""

    def has(self, label: str) -> bool:  # noqa: ARG002
        """Say that none is missing."""
        return True

    def keep(self, entry: BootEntry, disk: Path) -> None:
        """Do nothing."""


class EfiEntries:
    """The boot entries in the firmware's variables.

    :param program: efibootmgr.
    """

    def __init__(self, program: str = "efibootmgr") -> None:
        self._program = program

    def remove(self, label: str, partitions: Collection[str]) -> None:
        for number, name, where in _entries(self._run("--verbose")):
            to = _PARTITION.search(where)
            if name == label or (to and to[1].lower() in partitions):
                self._run("--quiet", "--bootnum", number, "--delete-bootnum")

    def add(self, entry: BootEntry, disk: Path) -> None:
        # Few runs: each reads all entries, which many a firmware takes seconds for.
        before = self._run()
        new = self._create(entry, disk, before)
        order = [one for one in _order(before) if one != new]
        # A PC that boots the network first goes on doing so: it asks the boot server each time.
        first = order[:1] if order[:1] == [_value(before, "BootCurrent")] else []
        order = [*first, new, *order[len(first) :]]
        after = self._run("--bootorder", ",".join(order), "--bootnext", new)
        _see(new, after)

    def disk_next(self) -> None:
        said = self._run("--verbose")
        entries = {number: where for number, _, where in _entries(said)}
        for number in _order(said):
            if _PARTITION.search(entries.get(number, "")):
                self._run("--quiet", "--bootnext", number)
                return

    def has(self, label: str) -> bool:
        return any(name == label for _, name, _ in _entries(self._run()))

    def keep(self, entry: BootEntry, disk: Path) -> None:
        # Its partition may have been made anew, under another GUID.
        self.remove(entry.label, ())
        before = self._run()
        new = self._create(entry, disk, before)
        order = [one for one in _order(before) if one != new]
        _see(new, self._run("--bootorder", ",".join([*order, new])))

    def _create(self, entry: BootEntry, disk: Path, before: str) -> str:
        """Make an entry, and give its number; it is in no order yet."""
        taken = {int(number, 16) for number, _, _ in _entries(before)}
        new = f"{next(one for one in count() if one not in taken):04X}"
        words = ["--disk", str(disk), "--part", str(entry.partition)]
        words += ["--label", entry.label, "--loader", entry.loader]
        self._run("--quiet", "--create-only", "--bootnum", new, *words)
        return new

    def _run(self, *words: str) -> str:
        return _run([self._program, *words])


def _entries(said: str) -> list[tuple[str, str, str]]:
    """Give number, label and target of each; the target only of what was said with all words."""
    found = [match for line in said.splitlines() if (match := _ENTRY.fullmatch(line))]
    return [(one[1], one[2].strip(), one[3] or "") for one in found]


def _order(said: str) -> list[str]:
    return [one for one in _value(said, "BootOrder").split(",") if one]


def _value(said: str, name: str) -> str:
    for line in said.splitlines():
        word, _, value = line.partition(": ")
        if word == name:
            return value.strip()
    return ""


def _see(number: str, said: str) -> None:
    """See that the firmware has an entry.

    :raises JobFailed: ``agent`` if not.
    """
    if number not in {one for one, _, _ in _entries(said)}:
        raise JobFailed("agent", "the firmware does not keep a boot entry")


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()
        raise JobFailed("agent", f"{' '.join(command)} failed: {why}")
    return done.stdout.decode(errors="replace")
