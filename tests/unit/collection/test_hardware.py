"""What a host is made of, read from files that are as the kernel has them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.hardware import hardware_of, uuid_of

from ictops.imaging.wire import strict
from ictops.imaging.wire.said import Disk, Hardware


def put(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def block(root: Path, name: str, device: str, files: dict[str, str | bytes]) -> None:
    """Make a block device, at its place among the devices and linked as the kernel links it."""
    place = root / "sys/devices" / device / "block" / name
    put(place, {"size": "0\n", "removable": "0\n", "queue/rotational": "0\n", **files})
    link = root / "sys/block" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(place)


def test_a_pc_is_told_as_the_agent_tells_it(tmp_path: Path):
    put(
        tmp_path,
        {
            "sys/class/dmi/id/sys_vendor": "ACME\n",
            "sys/class/dmi/id/product_name": "Desk 1\n",
            "sys/class/dmi/id/product_serial": "Default string\n",
            "sys/class/dmi/id/product_uuid": "4C4C4544-0042-3510-8048-B4C04F4E3432\n",
            "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": (
                b"\6\0\0\0\1"
            ),
            "proc/meminfo": "MemTotal:       16283516 kB\nMemFree: 1 kB\n",
            "sys/class/net/eth0/address": "02:00:00:00:00:01\n",
            "sys/class/net/eth0/device/uevent": "",
            "sys/class/net/lo/address": "00:00:00:00:00:00\n",
        },
    )
    block(
        tmp_path, "nvme0n1", "pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1",
        {"size": "500118192\n", "device/serial": "N-1  \n", "device/model": "Fast NVMe   \n"},
    )  # fmt: skip
    block(
        tmp_path, "sda", "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0",
        {"size": "2000\n", "device/vpd_pg80": b"\0\x80\0\x08 WD-123 ", "queue/rotational": "1\n",
         "device/model": "WDC\n"},
    )  # fmt: skip
    block(
        tmp_path, "sdb", "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host1",
        {"size": "100\n", "removable": "1\n"},
    )  # fmt: skip
    block(tmp_path, "vda", "pci0000:00/0000:00:05.0/virtio2", {"size": "8\n", "serial": "V1"})
    block(tmp_path, "sdc", "pci0000:00/0000:00:14.0/usb2/x", {})
    block(tmp_path, "loop0", "virtual", {"size": "100\n"})
    block(tmp_path, "dm-0", "virtual", {"size": "100\n"})
    hardware = strict.from_data(Hardware, hardware_of(tmp_path))
    assert hardware == Hardware(
        vendor="ACME", model="Desk 1", serial="", firmware="uefi", secure_boot=True,
        memory=16283516 * 1024, macs=("02:00:00:00:00:01",),
        disks=(
            Disk("/dev/nvme0n1", "N-1", "Fast NVMe", 500118192 * 512, "nvme", False, False),
            Disk("/dev/sda", "WD-123", "WDC", 2000 * 512, "sata", True, False),
            Disk("/dev/sdb", "", "", 100 * 512, "usb", False, True),
            Disk("/dev/vda", "V1", "", 8 * 512, "virtio", False, False),
        ),
    )  # fmt: skip
    assert uuid_of(tmp_path) == "4c4c4544-0042-3510-8048-b4c04f4e3432"


def test_a_host_that_tells_nothing_of_itself_is_read_all_the_same(tmp_path: Path):
    hardware = strict.from_data(Hardware, hardware_of(tmp_path))
    assert hardware == Hardware("", "", "", "bios", False, 0, ())
    put(tmp_path, {"sys/class/dmi/id/product_uuid": "no uuid\n"})
    assert uuid_of(tmp_path) == ""


def test_this_machine_can_be_read():
    hardware = strict.from_data(Hardware, hardware_of(Path("/")))
    assert hardware.memory > 0
