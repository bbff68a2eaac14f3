"""The files by which GRUB boots a PC into the agent: there only while a job waits for that PC."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ictops.imaging.service.files import remove, write
from ictops.imaging.wire.words import MAC, check

HERE = "@MAC@"
"""In the template, in whose place the PC's MAC is put."""


class GrubFiles:
    """A folder that TFTP serves as ``grub/job/``: ``<mac>.cfg``, as GRUB's ``net_default_mac``."""

    def __init__(self, folder: Path, template: str) -> None:
        self._folder = folder
        self._template = template
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # whatever the umask is: the TFTP server is another user

    def put(self, mac: str) -> None:
        """Have a PC's file as the template is now."""
        path = self._path(mac)
        text = self._template.replace(HERE, mac).encode()
        if not path.exists() or path.read_bytes() != text:
            write(path, text, 0o644)

    def remove(self, mac: str) -> None:
        """Have no file of a PC."""
        remove(self._path(mac))

    def keep_only(self, macs: Collection[str]) -> None:
        """Have files of these PCs and of no other, whatever was there."""
        wanted = {self._path(mac) for mac in macs}
        for path in self._folder.iterdir():
            if path not in wanted:
                remove(path)
        for mac in macs:
            self.put(mac)

    def _path(self, mac: str) -> Path:
        check(MAC, mac, "MAC")
        return self._folder / f"{mac}.cfg"
