"""The files by which GRUB boots a PC into the agent: there only while a job waits for that PC."""

from __future__ import annotations

from pathlib import Path

from ictops.imaging.service.files import write
from ictops.imaging.service.waiting import Waiting

HERE = "@MAC@"
"""In the template, in whose place the PC's MAC is put."""


class GrubFiles(Waiting):
    """A folder that TFTP serves as ``grub/job/``: ``<mac>.cfg``, as GRUB's ``net_default_mac``."""

    def __init__(self, folder: Path, template: str) -> None:
        super().__init__(folder)
        self._template = template

    def name(self, mac: str) -> str:
        return f"{mac}.cfg"

    def put(self, mac: str) -> None:
        path = self.path(mac)
        text = self._template.replace(HERE, mac).encode()
        if not path.exists() or path.read_bytes() != text:
            write(path, text, 0o644)
