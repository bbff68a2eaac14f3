from __future__ import annotations

import random
import shutil
import tempfile
from datetime import date
from pathlib import Path

import pytest

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.images import packing
from ictops.imaging.images import publish as publishing
from ictops.imaging.images.layout import read_layout
from ictops.imaging.images.publish import next_version
from ictops.imaging.images.restore import restore
from ictops.imaging.images.signing import Signing
from ictops.imaging.images.store import Store, Version, writing
from ictops.imaging.wire.signature import verify
from ictops.imaging.wire.words import digest_of
from tests.support.disks import GUID, ROOT_AT, ROOT_SIZE, make_disk, tool
from tests.unit.imaging.images.conftest import Make, some_files

ONE = Version("room", "1")


def test_a_version_is_signed_and_comes_back(
    make: Make, disk: Path, store: Store, signing: Signing, tmp_path: Path
) -> None:
    done = make(disk)
    text = store.read(ONE, "manifest.json")
    verify(text, store.read(ONE, "manifest.sig").decode(), "ictops-image", signing.allowed)
    assert done.digest == digest_of(text).hex()
    manifest, index = store.manifest(ONE), store.index(ONE)
    assert (manifest.firmware, manifest.system, manifest.seed) == (("uefi",), "linux", "files")
    assert manifest.boot_entry is not None
    assert manifest.boot_entry.loader == r"\EFI\BOOT\BOOTX64.EFI"
    esp, root = manifest.partitions
    assert (esp.filesystem, esp.grow, root.filesystem, root.grow) == ("vfat", False, "ext4", True)
    assert (root.guid, root.start, root.size) == (GUID.format(3), ROOT_AT, ROOT_SIZE)
    assert root.attributes == 1
    restore(manifest, index, store.pack, tmp_path / "back", lambda _: None)
    root_of = slice(ROOT_AT, ROOT_AT + ROOT_SIZE)
    back, was = (one.read_bytes()[root_of] for one in (tmp_path / "back", disk))
    assert back == was, "its unused blocks were zeros"
    assert manifest.used < ROOT_SIZE
    assert not store.work.exists()


def test_ntfs_comes_back_too(make: Make, store: Store, tmp_path: Path) -> None:
    disk = make_disk(
        tmp_path / "win", some_files(3, 9), filesystem="ntfs", loader="EFI/Microsoft/Boot"
    )
    make(disk)
    manifest = store.manifest(ONE)
    assert (manifest.system, manifest.seed) == ("windows", "unattend")
    assert manifest.partitions[-1].filesystem == "ntfs"


def test_the_next_version_stores_what_changed(make: Make, disk: Path, tmp_path: Path) -> None:
    first = make(disk)
    other = make_disk(
        tmp_path / "other", some_files(1) | {"more": random.Random(9).randbytes(99_000)}
    )
    second = make(other, "2")
    assert 99_000 < second.added < 0.2 * first.added
    assert second.stored < first.stored + second.added + 1
    assert make(other, "3").added == 0


def test_what_is_mostly_unused_is_stored_again(
    make: Make, disk: Path, store: Store, tmp_path: Path
) -> None:
    make(disk)
    few = {name: data for name, data in some_files(1).items() if name.endswith("7")}
    make(make_disk(tmp_path / "few", few), "2")
    index = store.index(Version("room", "2"))
    used = sum(one.length for one in index.chunks)
    assert used >= packing.WORTH * sum(one.plain for one in index.pieces)
    before = store.index(ONE)
    known = {one.digest for one in before.chunks}
    old = {one.digest for one in before.pieces}
    for number, piece in enumerate(index.pieces):
        if piece.digest not in old:
            inside = {one.digest in known for one in index.chunks if one.piece == number}
            assert len(inside) == 1, "a PC that has the first version fetches no piece in vain"


def test_a_published_version_never_changes(make: Make, disk: Path, store: Store) -> None:
    make(disk)
    before = store.read(ONE, "manifest.json")
    with pytest.raises(ImageError, match="is published"):
        make(disk)
    assert store.read(ONE, "manifest.json") == before


def test_what_does_not_come_back_is_not_published(
    make: Make, disk: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaging(manifest, index, find, target, *more) -> None:  # type: ignore[no-untyped-def]
        restore(manifest, index, find, target, *more)
        with target.open("r+b") as file:
            place = index.places[-1]
            file.seek(ROOT_AT + place.offset)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))

    monkeypatch.setattr(publishing, "restore", damaging)
    with pytest.raises(ImageDamaged, match="differs"):
        make(disk)
    assert not store.versions()
    assert not store.packs()


def test_a_file_system_that_is_not_whole_is_not_published(
    make: Make, disk: Path, store: Store
) -> None:
    data = bytearray(disk.read_bytes())
    at = data.index(b"lost+found")  # the root folder's own block
    data[at : at + 10] = b"found+lost"
    disk.write_bytes(data)
    with pytest.raises(ImageError, match="e2fsck finds partition 2 not whole"):
        make(disk)
    assert not store.versions()


@pytest.mark.parametrize("step", ["pack_version", "restore", "compare", "sign", "place_whole"])
def test_who_is_cut_off_leaves_nothing_that_stays(
    make: Make, disk: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Cut(BaseException):
        pass

    def cut(*_: object, **__: object) -> None:
        raise Cut

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed: nobody cleans up
    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, cut)
        with pytest.raises(Cut):
            make(disk)
    monkeypatch.undo()
    assert not store.versions()
    stray = store.pack(bytes(32))  # as if cut off between its packs and its folder
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    make(disk)
    assert store.versions() == [ONE]
    assert store.packs() == {one.digest for one in store.index(ONE).packs}
    assert not store.work.exists()


def test_one_writes_at_a_time(store: Store) -> None:
    with writing(store), pytest.raises(ImageError, match="writes to the images"), writing(store):
        pass


def test_a_disk_that_nothing_boots_is_refused(make: Make, tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk", {}, loader="EFI/other")
    with pytest.raises(ImageError, match="nothing on it boots"):
        make(disk)
    (tmp_path / "empty").write_bytes(bytes(2**20))
    with pytest.raises(ImageError, match="no partition table"):
        make(tmp_path / "empty")


def test_what_a_disk_says_is_not_trusted(disk: Path, tmp_path: Path) -> None:
    tool("sfdisk", "--part-label", disk, "2", 'a"; size=1\n$(x)')
    assert read_layout(disk).partitions[1].name == "a__ size_1___x_"
    tool("sfdisk", "--quiet", "--label", "dos", disk, stdin="start=2048, size=2048\n")
    with pytest.raises(ImageError, match="of kind dos, not GPT"):
        read_layout(disk)


def test_versions_are_named_for_the_day(make: Make, disk: Path, store: Store) -> None:
    day = date(2026, 10, 26)
    assert next_version(store, "room", day) == "2026.10.26-1"
    for version in ("2026.10.26-9", "2026.10.26-10", "2026.10.25-99"):
        make(disk, version)
    make(disk, "2026.10.26-44", "other")
    assert next_version(store, "room", day) == "2026.10.26-11"
