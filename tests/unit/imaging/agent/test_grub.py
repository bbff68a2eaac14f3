"""GRUB for BIOS PCs; test_bootable.py and test_keeping.py see where a real one is written."""

from __future__ import annotations

import struct

import pytest

from ictops.imaging.agent.grub import GrubUnknown, boot_code, goes_on_at, rest


def core(sectors: int, says: int) -> bytes:
    """Give an image of so many sectors, that says how many more than the first it has."""
    data = bytearray(sectors * 512 - 100)
    struct.pack_into("<QHH", data, 500, 1, says, 0x820)
    return bytes(data)


def test_boot_code_names_where_the_rest_is() -> None:
    code = boot_code(bytes(512), 2048)
    assert len(code) == 440
    assert goes_on_at(code) == 2048


def test_the_rest_names_where_it_goes_on() -> None:
    made = rest(core(5, 4), 2048, 2**20)
    assert struct.unpack_from("<QHH", made, 500) == (2049, 4, 0x820)


@pytest.mark.parametrize(
    ("data", "room", "why"),
    [
        (core(5, 4), 4 * 512, "does not fit into 2048 bytes"),
        (b"", 2**20, "is cut off"),
        (core(5, 3), 2**20, "is not as it was"),
    ],
)
def test_another_grub_is_refused(data: bytes, room: int, why: str) -> None:
    with pytest.raises(GrubUnknown, match=why):
        rest(data, 2048, room)
