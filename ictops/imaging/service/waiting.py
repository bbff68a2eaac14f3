"""Folders that hold one entry for each PC that a job waits for, and none for any other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

from ictops.imaging.service.files import remove
from ictops.imaging.wire.words import MAC, check


class Waiting(ABC):
    """Such a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # whatever the umask is: the TFTP server is another user

    @abstractmethod
    def put(self, mac: str) -> None:
        """Have a PC's entry as it must be now."""

    @abstractmethod
    def name(self, mac: str) -> str:
        """Give the name of a PC's entry."""

    def remove(self, mac: str) -> None:
        """Have no entry of a PC."""
        remove(self.path(mac))

    def keep_only(self, macs: Collection[str]) -> None:
        """Have entries of these PCs and of no other, whatever was there."""
        wanted = {self.path(mac) for mac in macs}
        for path in self._folder.iterdir():
            if path not in wanted:
                remove(path)
        for mac in macs:
            self.put(mac)

    def path(self, mac: str) -> Path:
        """Give the place of a PC's entry."""
        check(MAC, mac, "MAC")
        return self._folder / self.name(mac)
