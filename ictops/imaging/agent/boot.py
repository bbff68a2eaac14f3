"""The boot entries of a UEFI PC, by efibootmgr(8)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Sequence
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
        for number, name, where in self._entries():
            to = _PARTITION.search(where)
            if name == label or (to and to[1].lower() in partitions):
                self._run("--quiet", "--bootnum", number, "--delete-bootnum")

    def add(self, entry: BootEntry, disk: Path) -> None:
        new = [self._create(entry, disk)]
        order = [one for one in self._order() if one != new[0]]
        current = self._said("BootCurrent")
        # A PC that boots the network first goes on doing so: it asks the boot server each time.
        first = order[:1] if order[:1] == [current] else []
        self._run("--quiet", "--bootorder", ",".join([*first, new[0], *order[len(first) :]]))
        self._run("--quiet", "--bootnext", new[0])

    def disk_next(self) -> None:
        entries = {number: where for number, _, where in self._entries()}
        for number in self._order():
            if _PARTITION.search(entries.get(number, "")):
                self._run("--quiet", "--bootnext", number)
                return

    def has(self, label: str) -> bool:
        return any(name == label for _, name, _ in self._entries())

    def keep(self, entry: BootEntry, disk: Path) -> None:
        # Its partition may have been made anew, under another GUID.
        self.remove(entry.label, ())
        new = self._create(entry, disk)
        self._run("--quiet", "--bootorder", ",".join([*self._order(), new]))

    def _create(self, entry: BootEntry, disk: Path) -> str:
        before = {number for number, _, _ in self._entries()}
        words = ["--disk", str(disk), "--part", str(entry.partition)]
        self._run(
            "--quiet", "--create-only", *words, "--label", entry.label, "--loader", entry.loader
        )
        new = [number for number, _, _ in self._entries() if number not in before]
        if len(new) != 1:
            raise JobFailed("agent", "the firmware does not keep a boot entry")
        return new[0]

    def _order(self) -> list[str]:
        return [one for one in self._said("BootOrder").split(",") if one]

    def _entries(self) -> list[tuple[str, str, str]]:
        lines = self._run("--verbose").splitlines()
        found = [match for line in lines if (match := _ENTRY.fullmatch(line))]
        return [(one[1], one[2].strip(), one[3] or "") for one in found]

    def _said(self, name: str) -> str:
        for line in self._run().splitlines():
            word, _, value = line.partition(": ")
            if word == name:
                return value.strip()
        return ""

    def _run(self, *words: str) -> str:
        return _run([self._program, *words])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()
        raise JobFailed("agent", f"{' '.join(command)} failed: {why}")
    return done.stdout.decode(errors="replace")
