"""Boot entries of a UEFI PC, read from files that are as efivarfs has them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import efi
from ansible_collections.ictops.schools.plugins.modules.network_boot import choose

MAC = "52:54:00:12:34:56"
OTHER = "52:54:00:00:00:99"


def node(kind: int, sub: int, body: bytes = b"") -> bytes:
    return struct.pack("<BBH", kind, sub, 4 + len(body)) + body


END = node(0x7F, 0xFF)
PCI = node(2, 1, bytes(8)) + node(1, 1, b"\0\2")
DISK = PCI + node(4, 1, bytes(38)) + END


def network(mac: str, *, ipv6: bool = False) -> bytes:
    """Give a device path as OVMF writes one: root, card, MAC, IPv4 or IPv6."""
    card = node(3, 11, bytes.fromhex(mac.replace(":", "")).ljust(32, b"\0") + b"\1")
    return PCI + card + (node(3, 13, bytes(56)) if ipv6 else node(3, 12, bytes(23))) + END


def entry(folder: Path, number: int, name: str, path: bytes, *, active: bool = True) -> None:
    data = struct.pack("<IH", int(active), len(path)) + name.encode("utf-16-le") + b"\0\0" + path
    file = folder / f"Boot{number:04X}-{efi.GLOBAL}"
    file.write_bytes(struct.pack("<I", 7) + data)


def test_the_entry_of_the_card_is_chosen_over_ipv4(tmp_path: Path):
    entry(tmp_path, 0, "debian", DISK)
    entry(tmp_path, 1, "PXEv6", network(MAC, ipv6=True))
    entry(tmp_path, 2, "PXEv4 other", network(OTHER))
    entry(tmp_path, 0x1A, "UEFI PXEv4 (MAC:525400123456)", network(MAC))
    entry(tmp_path, 4, "off", network(MAC), active=False)
    found = efi.network_entry(tmp_path, MAC)
    assert found is not None
    assert (found.number, found.description) == (0x1A, "UEFI PXEv4 (MAC:525400123456)")


def test_the_next_boot_is_written_as_the_firmware_reads_it(tmp_path: Path):
    entry(tmp_path, 0x1A, "PXE", network(MAC))
    said = choose(tmp_path, MAC, write=False)
    assert said == ("PXE", "the next boot is 'PXE'")
    assert not (tmp_path / f"BootNext-{efi.GLOBAL}").exists()
    choose(tmp_path, MAC, write=True)
    assert (tmp_path / f"BootNext-{efi.GLOBAL}").read_bytes() == b"\7\0\0\0\x1a\0"


def test_a_pc_without_such_an_entry_is_told(tmp_path: Path):
    entry(tmp_path, 0, "debian", DISK)
    assert "no network entry" in choose(tmp_path, MAC, write=True)[1]
    assert "a BIOS PC" in choose(tmp_path / "none", MAC, write=True)[1]
    assert not (tmp_path / f"BootNext-{efi.GLOBAL}").exists()


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"\7\0\0\0", b"\7\0\0\0" + struct.pack("<IH", 1, 9) + b"a\0b",
        b"\7\0\0\0" + struct.pack("<IH", 1, 8) + b"a\0\0\0" + struct.pack("<BBH", 3, 11, 0) * 2,
    ],
)  # fmt: skip
def test_an_entry_that_is_broken_is_passed_over(tmp_path: Path, broken: bytes):
    (tmp_path / f"Boot0001-{efi.GLOBAL}").write_bytes(broken)
    assert efi.network_entry(tmp_path, MAC) is None
    entry(tmp_path, 2, "PXE", network(OTHER))
    found = efi.network_entry(tmp_path, MAC)
    assert found is not None, "another card's is better than none"
    assert found.number == 2
