"""Where TFTP begins for each PC: one for which no job waits finds nothing there to boot.

The signed GRUB of Debian has no configuration of its own: where its boot server dies before it has
sent one, it stays at a prompt. So a PC without a job is given no GRUB at all. A TFTP server that
looks up its clients' MACs begins in the folder of that name if there is one (dnsmasq(8),
``tftp-unique-root=mac``); where there is none it finds nothing, and firmware goes on to the disk.
"""

from __future__ import annotations

from pathlib import Path

from ictops.imaging.service.files import link
from ictops.imaging.service.waiting import Waiting


class Roots(Waiting):
    """The folder in which TFTP begins: a link to what PCs boot, named by the MAC with dashes."""

    def __init__(self, folder: Path, tree: Path) -> None:
        """:param tree: what PCs boot."""
        super().__init__(folder)
        self._tree = tree

    def name(self, mac: str) -> str:
        return mac.replace(":", "-")

    def put(self, mac: str) -> None:
        path = self.path(mac)
        if not path.is_symlink() or path.readlink() != self._tree:
            link(path, self._tree)
