"""What a boot server's job does with the cache of a PC."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence

import pytest

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.fat import Fat
from ictops.imaging.agent.fetch import Deliver
from ictops.imaging.agent.link import Link
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.job import Multicast
from ictops.imaging.wire.said import Ready
from tests.support import images
from tests.unit.imaging.agent.conftest import School, Versions
from tests.unit.imaging.agent.healing import (
    CACHE,
    DISK,
    area_of,
    boot_files,
    cache_of,
    code_of,
    damage,
    environment_of,
    give,
    heal,
    heal_job,
    imaged,
)


def test_a_cache_that_is_too_small_stops_nothing(school: School, versions: Versions) -> None:
    disk = school.blank(size=DISK)
    job = school.job(versions.fixed, cache=14 * images.MIB, boot=boot_files(school))
    end = school.run(job, disk)
    assert end.outcome == "done", end
    assert any("the cache is too small" in one for one in end.notes), end
    assert images.differing_places(disk, versions.fixed) == []
    with cache_of(disk) as folder:
        assert list((folder / "packs").glob("??/*"))


def test_a_cache_stays_when_the_pc_is_imaged_again(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    area = area_of(disk)
    damage(disk, versions.fixed)
    end = school.run(school.job(versions.fixed, cache=CACHE), disk)
    assert (end.outcome, end.fetched, school.files.sent) == ("done", 0, 0), end
    assert area_of(disk) == area


def test_a_broken_cache_is_made_anew(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    cache = area_of(disk).cache
    with disk.open("r+b") as file:
        file.seek(cache.start)
        file.write(random.Random(1).randbytes(8 * images.MIB))
    damage(disk, versions.fixed)
    end = school.run(school.job(versions.fixed, cache=CACHE), disk)
    assert end.outcome == "done", end
    assert any("the cache is damaged" in one for one in end.notes)
    assert end.fetched >= versions.fixed.manifest.stored
    with cache_of(disk) as folder:
        kept = sum(one.stat().st_size for one in (folder / "packs").glob("??/*"))
    assert kept == sum(one.size for one in versions.fixed.index.packs)


def test_a_new_image_ends_what_was_ordered_of_the_old_one(
    school: School, versions: Versions
) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    give(school, disk, heal_job(school, versions.fixed, adapt=None, standing=True), "standing")
    assert school.run(school.job(versions.second, cache=CACHE), disk).outcome == "done"
    end, _ = heal(school, disk)
    assert (end.outcome, end.fault) == ("failed", "job-refused"), end
    assert environment_of(disk)["ictops_always"] == "0"


def test_an_image_job_without_a_cache_takes_it_away(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.first)
    end = school.run(school.job(versions.first), disk)
    assert end.outcome == "done", end
    assert subprocess.run(["sfdisk", "--verify", disk], check=False).returncode == 0
    table = subprocess.run(["sfdisk", "-d", disk], check=True, capture_output=True, text=True)
    assert "ictops-cache" not in table.stdout


def test_a_cache_that_does_not_fit_is_refused_before_the_first_write(
    school: School, versions: Versions
) -> None:
    disk = school.blank()
    before = disk.read_bytes()
    end = school.run(school.job(versions.fixed, cache=10 * images.MIB), disk)
    assert (end.outcome, end.fault) == ("failed", "disk-small")
    assert disk.read_bytes() == before


def test_a_bios_pc_starts_by_our_code_and_its_system_by_its_own(
    school: School, versions: Versions
) -> None:
    disk = imaged(school, versions.fixed, adapt=None, firmware="bios")
    assert disk.read_bytes()[:440] == code_of(disk) != images.BOOT_CODE
    opened = Disk(disk)
    sector = Fat(opened, area_of(disk).boot).read("grub/system.img")
    opened.close()
    assert sector == images.BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa"


def test_a_room_fills_the_cache_and_gives_only_what_it_lacks(
    school: School, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[set[int]] = []

    def take_part(
        _group: str,
        _link: Link,
        index: ImageIndex,
        wanted: Sequence[int],
        *,
        give: Deliver,
        **_: object,
    ) -> None:
        """Be a room in which all goes well."""
        came.append(set(wanted))
        for number in wanted:
            piece = index.pieces[number]
            pack = index.packs[piece.pack].digest.hex()
            data = (school.store.root / "packs" / pack[:2] / pack).read_bytes()
            give(number, bytearray(data[piece.offset : piece.offset + piece.stored]))

    monkeypatch.setattr("ictops.imaging.agent.room.take_part", take_part)
    index, room = versions.fixed.index, Multicast("room", 2)
    job = school.job(versions.fixed, cache=CACHE, multicast=room)
    disk = school.blank(size=DISK)
    end = school.run(job, disk)
    assert (end.outcome, end.fetched) == ("done", versions.fixed.manifest.stored), end
    assert school.files.sent == 0
    assert came == [set(range(len(index.pieces)))]

    damage(disk, versions.fixed)
    lost = max(range(len(index.pieces)), key=lambda one: index.pieces[one].stored)
    with cache_of(disk) as folder:
        pack = index.packs[index.pieces[lost].pack].digest.hex()
        (folder / "packs" / pack[:2] / pack).unlink()
    assert school.run(job, disk).outcome == "done"
    in_pack = {n for n, one in enumerate(index.pieces) if one.pack == index.pieces[lost].pack}
    assert came[1:]
    assert set[int]().union(*came[1:]) <= in_pack
    assert images.differing_places(disk, versions.fixed) == []


def test_a_pc_whose_cache_has_all_leaves_its_room(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    damage(disk, versions.fixed)
    school.sessions.heard.clear()
    room = school.job(versions.fixed, cache=CACHE, multicast=Multicast("room", 2))
    end = school.run(room, disk)
    assert (end.outcome, end.fetched, end.notes, school.files.sent) == ("done", 0, (), 0), end
    assert [one for _, one in school.sessions.heard if isinstance(one, Ready)] == [Ready(())]
    assert images.differing_places(disk, versions.fixed) == []
