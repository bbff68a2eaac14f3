"""GRUB for BIOS PCs, put where it is to be: its first sector must know where the rest is.

grub-bios-setup does the same, and knows only devices; here it may be a file. Places are those of
GRUB's include/grub/i386/pc/boot.h and of grub-bios-setup, as of GRUB 2.06.
"""

from __future__ import annotations

import struct

from ictops.imaging.wire.manifest import BOOT_CODE_BYTES, SECTOR

_REST_AT, _DRIVE_CHECK = 0x5C, 0x66
_NO_CHECK = b"\x90\x90"
"""Two no-operations: trust no BIOS to say which disk it boots from."""
_BLOCKLIST = struct.Struct("<QHH")
"""At the end of the second image's first sector: where the others are, and how many."""


class GrubUnknown(ValueError):
    """GRUB is not as it was until now, or too large; goes on after GRUB's name."""


def boot_code(image: bytes, first: int) -> bytes:
    """Give what a BIOS starts, to stand before the disk's signature.

    :param image: GRUB's boot.img.
    :param first: the sector where the rest of GRUB begins.
    """
    code = bytearray(image[:BOOT_CODE_BYTES])
    struct.pack_into("<Q", code, _REST_AT, first)
    code[_DRIVE_CHECK : _DRIVE_CHECK + len(_NO_CHECK)] = _NO_CHECK
    return bytes(code)


def goes_on_at(code: bytes) -> int:
    """Give the sector that boot code goes on with; of what is not GRUB's, any number."""
    (first,) = struct.unpack_from("<Q", code, _REST_AT)
    return int(first)


def rest(core: bytes, first: int, room: int) -> bytes:
    """Give the rest of GRUB.

    :param core: as grub-mkimage makes it.
    :param first: the sector where it will begin.
    :param room: bytes that there are for it.
    :raises GrubUnknown: if it cannot be used.
    """
    made = bytearray(core)
    sectors = -(-len(core) // SECTOR)
    if sectors * SECTOR > room:
        raise GrubUnknown(f"does not fit into {room} bytes")
    if len(core) < SECTOR:
        raise GrubUnknown("is cut off")
    at = SECTOR - _BLOCKLIST.size
    _, length, segment = _BLOCKLIST.unpack_from(made, at)
    if length != sectors - 1:
        raise GrubUnknown("is not as it was until now")
    _BLOCKLIST.pack_into(made, at, first + 1, length, segment)
    return bytes(made)
