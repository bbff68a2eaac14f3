"""What a PC is, read from a /sys and /proc that look like a PC's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictops.imaging.agent.disks import choose
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.hardware import hardware, memory, uuid
from ictops.imaging.wire.job import DiskChoice
from ictops.imaging.wire.said import Disk

MAC = "02:1c:00:00:00:01"


def files(root: Path, what: dict[str, str | bytes]) -> None:
    for path, content in what.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def block(root: Path, bus: str, name: str, what: dict[str, str | bytes]) -> None:
    folder = root / "sys/devices" / bus / name
    files(folder, {"removable": "0\n", "queue/rotational": "0\n", **what})
    link = root / "sys/block" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder)


@pytest.fixture
def pc(tmp_path: Path) -> Path:
    files(
        tmp_path,
        {
            "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
            "sys/class/dmi/id/product_name": "OptiPlex 3050 \n",
            "sys/class/dmi/id/product_serial": "ABC1234\n",
            "sys/class/dmi/id/product_uuid": "4C4C4544-0042-3510-8053-B4C04F595931\n",
            "proc/meminfo": "MemTotal:        1000 kB\nMemAvailable:     500 kB\n",
            "sys/class/net/lo/address": "00:00:00:00:00:00\n",
            "sys/class/net/eth0/address": f"{MAC}\n",
            "sys/class/net/eth0/type": "1\n",
            "sys/class/net/eth0/device/vendor": "0x8086\n",
            "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": (
                b"\x06\0\0\0\1"
            ),
        },
    )
    nvme = {"size": "1000\n", "device/serial": " S4NVME \n", "device/model": "Samsung  SSD\n"}
    block(tmp_path, "pci0000:00/0000:00:1d.0/nvme/nvme0", "nvme0n1", dict(nvme))
    page = b"\0\x80\0\x08   WD-99"
    sata = {"size": "4000\n", "device/vpd_pg80": page, "queue/rotational": "1\n"}
    block(tmp_path, "pci0000:00/0000:00:17.0/ata1/host0/block", "sda", dict(sata))
    block(tmp_path, "pci0000:00/0000:00:14.0/usb1/1-2/host4/block", "sdb", {"size": "77\n"})
    block(tmp_path, "pci0000:00/virtio3/block", "vda", {"size": "8\n", "serial": "V1"})
    block(tmp_path, "virtual/block", "loop0", {"size": "8\n"})
    block(tmp_path, "pci0000:00/0000:00:17.0/ata2/block", "sr0", {"size": "8\n"})
    block(tmp_path, "pci0000:00/mmc_host/mmc0/block", "mmcblk0boot0", {"size": "8\n"})
    block(tmp_path, "pci0000:00/0000:00:17.0/ata3/block", "sdc", {"size": "0\n"})
    return tmp_path


def test_a_pc_is_read(pc: Path) -> None:
    found = hardware(pc)
    assert (found.vendor, found.model, found.serial) == ("Dell Inc.", "OptiPlex 3050", "ABC1234")
    assert (found.firmware, found.secure_boot, found.memory) == ("uefi", True, 1000 * 1024)
    assert found.macs == (MAC,)
    assert found.disks == (
        Disk("/dev/nvme0n1", "S4NVME", "Samsung SSD", 512_000, "nvme", False, False),
        Disk("/dev/sda", "WD-99", "", 2_048_000, "sata", True, False),
        Disk("/dev/sdb", "", "", 77 * 512, "usb", False, True),
        Disk("/dev/vda", "V1", "", 4096, "virtio", False, False),
    )
    assert memory("MemAvailable", pc) == 500 * 1024
    assert uuid(MAC, pc) == "4c4c4544-0042-3510-8053-b4c04f595931"


def test_a_bios_pc_without_a_name_plate(tmp_path: Path) -> None:
    found = hardware(tmp_path)
    assert (found.firmware, found.secure_boot, found.disks, found.macs) == ("bios", False, (), ())
    assert uuid(MAC, tmp_path) == "00000000-0000-0000-0000-021c00000001"


@pytest.mark.parametrize("plate", ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "Not Settable", ""])
def test_a_uuid_that_every_pc_has_is_none(tmp_path: Path, plate: str) -> None:
    files(tmp_path, {"sys/class/dmi/id/product_uuid": plate})
    assert uuid(MAC, tmp_path) == "00000000-0000-0000-0000-021c00000001"


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        (DiskChoice(serial="S4NVME"), "/dev/nvme0n1"),
        (DiskChoice(size=2_048_000), "/dev/sda"),
        (DiskChoice("V1", 4096), "/dev/vda"),
    ],
)
def test_a_disk_is_chosen(pc: Path, choice: DiskChoice, path: str) -> None:
    assert choose(hardware(pc).disks, choice).path == path


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (DiskChoice(), "3 disks fit"),
        (DiskChoice(serial="gone"), "no disk is serial gone"),
        (DiskChoice("V1", 4097), "no disk is serial V1 and 4097 bytes"),
        (DiskChoice(size=77 * 512), "no disk"),
    ],
)
def test_none_is_chosen_where_it_is_not_clear_which(
    pc: Path, choice: DiskChoice, words: str
) -> None:
    with pytest.raises(JobFailed, match=words) as told:
        choose(hardware(pc).disks, choice)
    assert told.value.kind == "disk-missing"
    assert "WD-99" in str(told.value)
