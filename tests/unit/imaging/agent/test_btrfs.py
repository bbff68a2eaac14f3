"""A system on Btrfs: its superblock is held back, too, and it grows while it is mounted."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import Adapt
from tests.support import images
from tests.support.images import MIB, Image
from tests.unit.imaging.agent.conftest import School

SUPERBLOCK = 64 * 1024


def btrfs_image(school: School) -> Image:
    tree = images.tree(school.folder / "tree", files=5)
    system = school.blank("btrfs.img", 120 * MIB)
    subprocess.run(
        ["mkfs.btrfs", "-q", "--mixed", "--rootdir", tree, system], check=True, capture_output=True
    )
    parts = images.partitions(images.esp_file(school.folder / "esp.img"), system)
    parts[1] = (replace(parts[1][0], filesystem="btrfs"), system)
    return school.store.add("btrfs", school.folder.name.replace("_", "-"), parts)


def test_a_system_on_btrfs_becomes_this_host(school: School) -> None:
    image = btrfs_image(school)
    disk = school.blank(size=300 * MIB)
    end = school.run(school.job(image, adapt=Adapt("pc-01")), disk)
    assert end.outcome == "done", end
    root = image.manifest.partitions[-1]
    system = images.cut_out(disk, replace(root, size=290 * MIB), school.folder / "cut.img")
    subprocess.run(["btrfs", "check", system], check=True, capture_output=True)
    restored = school.folder / "restored"
    restored.mkdir()
    subprocess.run(["btrfs", "restore", system, restored], check=True, capture_output=True)
    assert (restored / "etc/hostname").read_text() == "pc-01\n"
    told = subprocess.run(
        ["btrfs", "inspect-internal", "dump-super", system], check=True, capture_output=True
    )
    sizes = [one.split() for one in told.stdout.decode().splitlines()]
    (total,) = [int(one[1]) for one in sizes if one[:1] == ["total_bytes"]]
    assert total > 285 * MIB


def test_a_half_written_btrfs_has_no_superblock(school: School) -> None:
    image = btrfs_image(school)
    start = image.manifest.partitions[-1].start
    disk = school.blank(size=300 * MIB)

    class Breaks(Disk):
        def write(self, offset: int, parts: list[Part]) -> None:  # type: ignore[override]
            if offset > start + MIB:
                raise JobFailed("disk-failing", "Input/output error")
            super().write(offset, parts)

    assert school.run(school.job(image), disk, open_disk=Breaks).fault == "disk-failing"
    with disk.open("rb") as file:
        file.seek(start + SUPERBLOCK)
        assert not any(file.read(4096))
