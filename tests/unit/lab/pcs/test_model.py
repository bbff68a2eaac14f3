from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ictops.errors import LabError
from ictops.lab.pcs.machine import command
from ictops.lab.pcs.model import Kernel, Pc, Room

NETWORK = IPv4Network("10.77.3.0/24")
UUID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("name", "mac"),
    [
        ("", "52:54:00:77:00:01"),
        ("../up", "52:54:00:77:00:01"),
        ("-o", "52:54:00:77:00:01"),
        ("longer-than-linux-allows", "52:54:00:77:00:01"),
        ("pc", "52:54:00:77:00"),
        ("pc", "52:54:00:77:00:01,bootindex=9"),
    ],
)
def test_what_becomes_a_folder_a_cable_and_an_option_is_checked(name: str, mac: str) -> None:
    with pytest.raises(LabError):
        Pc(name, mac, UUID)


def test_rooms_in_two_folders_are_two_networks(tmp_path: Path) -> None:
    one, other = Room(tmp_path / "one", NETWORK), Room(tmp_path / "other", NETWORK)
    assert one.namespace != other.namespace
    assert one.namespace == Room(tmp_path / "x/../one", NETWORK).namespace
    assert (str(one.server), str(one.address)) == ("10.77.3.1", "10.77.3.254")


def test_a_uefi_pc_enforces_secure_boot_and_a_bios_one_has_none(tmp_path: Path) -> None:
    room = Room(tmp_path / "a,b", NETWORK)
    uefi = command(room, Pc("pc", "52:54:00:77:00:01", UUID))
    bios = command(room, Pc("pc", "52:54:00:77:00:01", UUID, "bios"))
    assert "driver=cfi.pflash01,property=secure,value=on" in uefi
    assert any("OVMF_CODE_4M.ms.fd" in word for word in uefi)
    assert not any("OVMF" in word or "smm" in word for word in bios)
    assert any(word.endswith("a,,b/pc/disk.img") for word in bios)


@pytest.mark.parametrize("firmware", ["uefi", "bios"])
def test_the_network_comes_before_the_disk(tmp_path: Path, firmware: str) -> None:
    words = command(Room(tmp_path, NETWORK), Pc("pc", "52:54:00:77:00:01", UUID, firmware))
    card = next(word for word in words if word.startswith("virtio-net-pci"))
    disk = next(word for word in words if word.startswith("virtio-blk-pci"))
    assert "bootindex=1" in card
    assert "bootindex=2" in disk
    assert "serial=DISK0001" in disk


def test_only_a_bios_pc_starts_a_kernel_at_once(tmp_path: Path) -> None:
    room, kernel = Room(tmp_path, NETWORK), Kernel(Path("k"), Path("i"), "quiet panic=30")
    bios = command(room, Pc("pc", "52:54:00:77:00:01", UUID, "bios"), kernel)
    begin = bios.index("-kernel")
    assert bios[begin : begin + 6] == ["-kernel", "k", "-initrd", "i", "-append", "quiet panic=30"]
    with pytest.raises(LabError, match="only a PC with a BIOS"):
        command(room, Pc("pc", "52:54:00:77:00:01", UUID), kernel)


def test_only_the_clock_of_one_in_a_hurry_runs_ahead(tmp_path: Path) -> None:
    room = Room(tmp_path, NETWORK)
    plain = command(room, Pc("pc", "52:54:00:77:00:01", UUID))
    hurried = command(room, Pc("pc", "52:54:00:77:00:01", UUID, hurried=True))
    assert "-icount" not in plain
    assert hurried[hurried.index("-icount") + 1] == "shift=7"
    assert "tcg,thread=single" in hurried  # it cannot be had with more
