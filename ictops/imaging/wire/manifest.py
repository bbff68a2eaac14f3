"""An image's manifest: a partition table, boot data, and where each partition's content is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ictops.imaging.wire.words import DIGEST, GUID, NAME, VERSION, check, moment

SECTOR = 512
"""Bytes: what positions on a disk are multiples of."""
BOOT_CODE_BYTES = 440
"""What boots a BIOS PC, before the disk's signature in its first sector (UEFI 2.10, 5.2.1)."""

Filesystem = Literal["ext4", "btrfs", "vfat", "ntfs", "none"]
Content = Literal["blocks", "wim", "empty"]
"""Blocks as they lie in the file system; a WIM to apply to a new NTFS; or nothing."""
Firmware = Literal["uefi", "bios"]
SYSTEMS = ("linux", "windows")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition, at its place. Positions and sizes are bytes."""

    number: int
    guid: str
    type: str
    name: str
    start: int
    size: int
    filesystem: Filesystem
    content: Content
    attributes: int = 0
    """The 64 bits of its GPT entry."""
    grow: bool = False
    """Whether it and its file system are to fill the disk; only the last one can."""

    def __post_init__(self) -> None:
        check(GUID, self.guid, "GUID")
        check(GUID, self.type, "GUID")
        if not 1 <= self.number <= 128 or self.start < SECTOR or self.size < SECTOR:  # noqa: PLR2004
            raise ValueError("there is no such partition")
        if self.start % SECTOR or self.size % SECTOR:
            raise ValueError(f"it does not begin and end at a multiple of {SECTOR} bytes")

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class BootEntry:
    """What the firmware of a UEFI PC is told to boot."""

    label: str
    partition: int
    loader: str
    """The path in that partition, with backslashes, such as ``\\EFI\\debian\\shimx64.efi``."""


@dataclass(frozen=True, slots=True)
class Index:
    """Where the list of the image's pieces is: see :mod:`ictops.imaging.wire.index`."""

    digest: str
    size: int

    def __post_init__(self) -> None:
        check(DIGEST, self.digest, "digest")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version of an image; signed, and never changed once it is published."""

    ictops_image: Literal[1]
    name: str
    version: str
    made_at: str
    system: Literal["linux", "windows"]
    firmware: tuple[Firmware, ...]
    disk_guid: str
    smallest_disk: int
    """Bytes that a disk must have."""
    partitions: tuple[Partition, ...]
    boot_entry: BootEntry | None
    boot_code: str
    """Hex, 440 bytes for BIOS PCs; or nothing."""
    index: Index
    used: int
    """Bytes that a whole image writes."""
    stored: int
    """Bytes that a whole image fetches."""
    seed: Literal["files", "nocloud", "unattend"]
    """How it learns which host it is: see docs/imaging.md."""

    def __post_init__(self) -> None:
        check(NAME, self.name, "image's name")
        check(VERSION, self.version, "image's version")
        check(GUID, self.disk_guid, "GUID")
        moment(self.made_at)
        if len(self.boot_code) not in {0, 2 * BOOT_CODE_BYTES}:
            raise ValueError(f"boot code has {BOOT_CODE_BYTES} bytes")
        bytes.fromhex(self.boot_code)
        last = 0
        for one in self.partitions:
            if one.start < last:
                raise ValueError("partitions overlap, or are not in their order on the disk")
            last = one.end
            if one.grow and one is not self.partitions[-1]:
                raise ValueError("only the last partition can grow")
        if len({one.number for one in self.partitions}) < len(self.partitions):
            raise ValueError("two partitions have one number")
        if self.smallest_disk < last:
            raise ValueError("the smallest disk does not hold the partitions")

    @property
    def folder(self) -> str:
        """Where its files are, below ``images/``."""
        return f"{self.name}/{self.version}"
