"""What virtual PCs there are, and what of each is where."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from ictops.errors import LabError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,14}")
"""A PC's name, or a room's: it becomes a folder, and a PC's that of its cable (IFNAMSIZ)."""
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Pc:
    """A virtual PC."""

    name: str
    mac: str
    uuid: str
    """SMBIOS' one."""
    firmware: Literal["uefi", "bios"] = "uefi"
    """UEFI with Secure Boot enforced and nobody's keys but Microsoft's; or BIOS."""
    disk: int = 8 * GIB
    """Bytes; takes only as much space as was written."""
    disk_serial: str = "DISK0001"
    disk_device: Literal["virtio-blk-pci", "nvme"] = "virtio-blk-pci"
    """QEMU's; the first says that it is magnetic."""
    memory: int = 1024
    """MiB."""
    cpus: int = 1
    """Emulated, it starts no sooner with two: almost all is done one after the other."""
    hurried: bool = False
    """Whether its clock goes by what it does, some 25 times as fast as ours: for firmware that
    waits for what never comes."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or not MAC.fullmatch(self.mac):
            raise LabError(f"{self.name!r} with {self.mac!r} is no virtual PC")


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a PC with a BIOS starts at once, instead of what it would boot.

    Emulated, firmware and GRUB need most of the time until a kernel starts.
    """

    image: Path
    initramfs: Path
    arguments: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room of virtual PCs: one network segment, in a network namespace of its own."""

    folder: Path
    """Holds a folder for each PC."""
    network: IPv4Network
    """Nobody outside the room needs to know it, unless :func:`route` is to lead there."""

    @property
    def namespace(self) -> str:
        """The network namespace: for each folder another one."""
        return "pcs-" + hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:10]

    @property
    def server(self) -> IPv4Address:
        """The address of the room's boot server."""
        return self.network[1]

    @property
    def address(self) -> IPv4Address:
        """The address of the segment's own end, where its namespace is."""
        return self.network[-2]

    def of(self, pc: Pc) -> Path:
        """Give a PC's folder."""
        return self.folder.resolve() / pc.name


BRIDGE = "room"
"""The segment, inside its namespace."""
