"""The power goes at any point: the disk does not boot half written, and the next run ends right."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.main import work_once
from ictops.imaging.wire.job import Adapt
from tests.support import images
from tests.support.agent_run import Cut
from tests.support.images import MIB
from tests.unit.imaging.agent.conftest import MAC, UUID, School, Versions
from tests.unit.imaging.agent.test_image import debugfs, system_of


class PowerCut(BaseException):
    """No code of the agent runs after it."""


class Volatile(Disk):
    """A disk with a cache: at a power cut, any of what was not flushed may be lost."""

    def __init__(self, path: Path, left: int, chance: random.Random) -> None:
        super().__init__(path)
        self.left, self._chance = left, chance
        self._lock = threading.Lock()
        self._cached: list[tuple[int, bytes]] = []

    def write(self, offset: int, parts: Sequence[Part]) -> None:
        with self._lock:
            if self.left < 0:
                raise PowerCut
            data = b"".join(parts)
            before = bytearray(len(data))
            self.read(offset, before)
            self._cached.append((offset, bytes(before)))
            super().write(offset, [data])
            self.left -= 1
            if self.left < 0:
                for at, old in self._cached[::-1]:
                    whole = self._chance.random() < 0.5
                    size = len(old) if whole else self._chance.randrange(len(old) + 1) // 512 * 512
                    super().write(at, [old[:size]])
                raise PowerCut

    def flush(self) -> None:
        with self._lock:
            if self.left < 0:
                raise PowerCut
            super().flush()
            self._cached.clear()


_counted: list[int] = []


def writes_of(school: School, versions: Versions) -> int:
    """Count the writes of a whole image to an empty disk, once."""
    if _counted:
        return _counted[0]
    opened: list[Volatile] = []

    def open_disk(path: Path) -> Disk:
        opened.append(Volatile(path, 10**9, random.Random(0)))
        return opened[0]

    end = school.run(school.job(versions.fixed), school.blank("count.img"), open_disk=open_disk)
    assert end.outcome == "done", end
    school.sessions.heard.clear()
    _counted.append(10**9 - opened[0].left)
    return _counted[0]


@pytest.mark.parametrize("seed", range(20))
def test_power_is_cut(school: School, versions: Versions, seed: int) -> None:
    chance = random.Random(seed)
    count = writes_of(school, versions)
    # The last writes are those that make it boot: they are always among the twenty.
    at = count - 1 - seed if seed < 8 else chance.randrange(count)
    disk = school.blank()
    if seed % 2:
        assert school.run(school.job(versions.second), disk).outcome == "done"
    job = school.job(versions.fixed, seeds=(versions.second.ref,))
    school.sessions.arm(job, school.signing.key)
    machine = school.machine(disk, open_disk=lambda path: Volatile(path, at, chance))
    try:
        end, _ = work_once(school.options, machine)
    except PowerCut:
        if images.bootable(disk, versions.fixed):
            assert images.differing_places(disk, versions.fixed) == []
    else:
        assert seed % 2, end  # what was there already takes fewer writes
    school.sessions.heard.clear()
    again = school.run(job, disk)
    assert again.outcome == "done", again
    assert images.differing_places(disk, versions.fixed) == []
    assert disk.read_bytes()[:440] == images.BOOT_CODE
    assert school.sessions.ends == [again]


def test_a_system_that_was_there_does_not_boot_half_overwritten(
    school: School, versions: Versions
) -> None:
    disk = school.blank()
    starts = (2048 * 512, 70000 * 512)
    script = "label: dos\nstart=2048,size=60000,type=ef\nstart=70000,size=60000,type=83\n"
    subprocess.run(["sfdisk", "-q", disk], input=script.encode(), check=True)
    with disk.open("r+b") as file:
        file.write(b"boots" * 80)
        for at in starts:
            file.seek(at)
            file.write(b"an old system" * 10_000)
    school.sessions.arm(school.job(versions.fixed), school.signing.key)
    machine = school.machine(disk, open_disk=lambda path: Volatile(path, 12, random.Random(2)))
    with pytest.raises(PowerCut):
        work_once(school.options, machine)
    data = disk.read_bytes()
    assert not any(data[:440])
    for at in starts:
        assert not any(data[at : at + 4096])
        assert not any(data[at + 65536 : at + 65536 + 4096])
    assert school.run(school.job(versions.fixed), disk).outcome == "done"


def loops(disk: Path) -> list[str]:
    listed = subprocess.run(
        ["losetup", "--noheadings", "--output", "NAME", "--associated", disk],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return listed.stdout.split()


@pytest.mark.parametrize("at", [0, 2, 9, 25, 40, -1])
def test_the_agent_is_killed(school: School, versions: Versions, at: int) -> None:
    disk = school.blank()
    job = school.job(versions.first, adapt=Adapt("pc-01"))
    school.sessions.arm(job, school.signing.key)
    cut = Cut(
        school.sessions.url, school.files.url, str(school.sessions.ca),
        str(school.signing.allowed), str(disk), MAC, UUID, at,
    )  # fmt: skip
    words = [sys.executable, "-m", "tests.support.agent_run", json.dumps(asdict(cut))]
    try:
        # Its mounts go with its name space, as they do when the power goes.
        done = subprocess.run(["unshare", "--mount", *words], check=False, capture_output=True)
        assert done.returncode == -signal.SIGKILL, done
    finally:
        for one in loops(disk):
            subprocess.run(["losetup", "--detach", one], check=True)
    assert not images.bootable(disk, versions.first)
    school.sessions.heard.clear()
    end = school.run(job, disk)
    assert end.outcome == "done", end
    if at > 20:
        assert 0 < end.fetched < versions.first.manifest.stored * 0.9
    assert images.bootable(disk, versions.first)
    assert debugfs(system_of(disk, versions.first, school.folder), "cat /etc/hostname") == "pc-01\n"


def test_a_cut_once_everything_was_written_fetches_next_to_nothing(
    school: School, versions: Versions
) -> None:
    count = writes_of(school, versions)
    disk = school.blank(size=96 * MIB)
    job = school.job(versions.fixed)
    school.sessions.arm(job, school.signing.key)
    machine = school.machine(
        disk, open_disk=lambda path: Volatile(path, count - 3, random.Random(1))
    )
    with pytest.raises(PowerCut):
        work_once(school.options, machine)
    end = school.run(job, disk)
    assert end.outcome == "done", end
    assert end.fetched < 2_000_000
