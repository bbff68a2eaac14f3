"""A PC that keeps what it is made of: its boot files, its jobs, and ways to damage it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictops.imaging.agent import table
from ictops.imaging.agent.area import Area, there_is
from ictops.imaging.agent.bootpart import boot_code, get_environment
from ictops.imaging.agent.cache import write_whole
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.fetch import Patience
from ictops.imaging.agent.local import work_locally
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import Options
from ictops.imaging.agent.mount import open_folder
from ictops.imaging.wire import said, strict
from ictops.imaging.wire.job import Adapt, BootFile, Job
from ictops.imaging.wire.local import KeptJob, Report
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.words import digest_of
from tests.support.images import MIB, Image
from tests.unit.imaging.agent.conftest import School

CACHE = 64 * MIB
DISK = 330 * MIB
ADAPT = Adapt("pc-01")
_MODULES = [
    "biosdisk",
    "part_gpt",
    "fat",
    "search_label",
    "configfile",
    "normal",
    "loadenv",
    "chain",
]


def boot_files(school: School) -> tuple[BootFile, ...]:
    """Put an agent's Linux on the boot server; GRUB for BIOS PCs is a real one."""
    folder = school.store.root / "agent"
    if not folder.exists():
        new = school.folder / "agent"
        new.mkdir()
        chance = random.Random(11)
        for name in ("vmlinuz", "initrd.img", "shimx64.efi", "grubx64.efi"):
            (new / name).write_bytes(chance.randbytes(200_000))
        (new / "boot.img").write_bytes(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes())
        subprocess.run(
            ["grub-mkimage", "-O", "i386-pc", "-p", "/grub", "-o", new / "core.img", *_MODULES],
            check=True,
        )
        new.rename(folder)
    return tuple(
        BootFile(one.name, digest_of(one.read_bytes()).hex(), one.stat().st_size)
        for one in sorted(folder.iterdir())
    )


def imaged(school: School, image: Image, **given: Any) -> Path:
    """Give the disk of a PC that was imaged, and keeps its pieces."""
    disk = school.blank(size=DISK)
    words = {"cache": CACHE, "adapt": ADAPT, "boot": boot_files(school), **given}
    firmware = words.pop("firmware", "uefi")
    end = school.run_on(school.job(image, **words), of_firmware(school.machine(disk), firmware))
    assert (end.outcome, end.notes) == ("done", ()), end
    return disk


def of_firmware(machine: Machine, firmware: Any) -> Machine:
    return replace(machine, hardware=replace(machine.hardware, firmware=firmware))


def area_of(disk: Path) -> Area:
    found = there_is(table.found(disk))
    assert found is not None
    return found


@contextmanager
def cache_of(disk: Path) -> Iterator[Path]:
    """Mount a disk's cache."""
    opened = Disk(disk)
    try:
        with open_folder(opened, area_of(disk).cache, "ext4") as folder:
            yield folder
    finally:
        opened.close()


def environment_of(disk: Path) -> dict[str, str]:
    opened = Disk(disk)
    try:
        return get_environment(opened, area_of(disk))
    finally:
        opened.close()


def give(school: School, disk: Path, job: Job, name: str = "once") -> None:
    """Put a signed job on the cache, as the control box does."""
    text = strict.dumps(job)
    kept = KeptJob(text.decode(), sign(text, "ictops-job", school.signing.key))
    with cache_of(disk) as folder:
        write_whole(folder / "jobs" / f"{name}.json", strict.dumps(kept), 0o600)


def heal_job(school: School, image: Image, **given: Any) -> Job:
    return school.job(image, **{"kind": "heal", "adapt": ADAPT, **given})


def heal(school: School, disk: Path, machine: Machine | None = None) -> tuple[said.End, bool]:
    """Start the agent from the disk, and give what became of the job, and whether it boots."""
    school.files.sent = 0
    end, _, whole = work_locally(impatient(school), machine or school.machine(disk))
    return end, whole


def impatient(school: School) -> Options:
    """Give the options of an agent that waits for nobody for long."""
    return replace(school.options, patience=Patience(answer=1.0, gone=0.3, waits=(0.05,)))


def damage(disk: Path, image: Image, seed: int = 5) -> None:
    """Write nonsense over much of the system, and some of the ESP."""
    chance = random.Random(seed)
    with disk.open("r+b") as file:
        for partition in image.manifest.partitions:
            for _ in range(40):
                at = partition.start + chance.randrange(partition.size // 4096) * 4096
                file.seek(at)
                file.write(chance.randbytes(4096))
        file.seek(image.manifest.partitions[-1].start)
        file.write(bytes(64 * 1024))


def reports(disk: Path) -> list[Report]:
    with cache_of(disk) as folder:
        return [
            strict.loads(Report, one.read_bytes()) for one in (folder / "reports").glob("*.json")
        ]


def code_of(disk: Path) -> bytes:
    """Give the boot code that starts the agent."""
    opened = Disk(disk)
    try:
        code = boot_code(opened, area_of(disk))
    finally:
        opened.close()
    assert code is not None
    return code
