from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.images.keeping import find_damage, older_than_newest, prune
from ictops.imaging.images.restore import restore
from ictops.imaging.images.signing import Signing, signing_of
from ictops.imaging.images.store import Store, Version, writing
from tests.support.disks import make_disk
from tests.unit.imaging.images.conftest import publishing, some_files

ONE, TWO, OTHER = Version("room", "1"), Version("room", "2"), Version("other", "1")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions that share most, and another image that shares nothing but zeros."""
    folder = tmp_path_factory.mktemp("published")
    make = publishing(Store(folder / "imaging" / "store"), signing_of(folder / "imaging"))
    make(make_disk(folder / "first", some_files(1)))
    more = {"more": random.Random(9).randbytes(99_000)}
    make(make_disk(folder / "second", some_files(1) | more), "2")
    make(make_disk(folder / "other", some_files(2, 20)), "1", "other")
    return folder / "imaging"


@pytest.fixture
def versions(published: Path, tmp_path: Path) -> list[Version]:
    shutil.copytree(published, tmp_path / "imaging")
    return [OTHER, ONE, TWO]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_is_whole_is_said_to_be(
    versions: list[Version], store: Store, signing: Signing
) -> None:
    assert store.versions() == versions
    assert find_damage(store, signing, versions, lambda _: None) == []


def test_a_flipped_byte_is_told_with_whom_it_takes_along(
    versions: list[Version], store: Store, signing: Signing
) -> None:
    (first,) = store.index(ONE).packs
    flip(store.pack(first.digest))
    found = find_damage(store, signing, versions, lambda _: None)
    assert [(one.name, one.version, one.pack) for one in found] == [
        ("room", "1", first.digest.hex()),
        ("room", "2", first.digest.hex()),
    ]
    (new,) = {one.digest for one in store.index(TWO).packs} - {first.digest}
    store.pack(first.digest).unlink()
    store.pack(new).unlink()
    found = find_damage(store, signing, versions, lambda _: None)
    assert [one.version for one in found] == ["1", "2", "2"]
    assert {one.what for one in found} == {"the pack cannot be read: No such file or directory"}


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "index"])
def test_a_versions_own_files_are_looked_at(
    versions: list[Version], store: Store, signing: Signing, name: str
) -> None:
    flip(store.place(ONE) / name)
    (found,) = find_damage(store, signing, versions, lambda _: None)
    assert (found.version, found.pack) == ("1", "")
    assert ("sign" if name.startswith("manifest") else "index") in found.what


def test_what_others_need_stays(versions: list[Version], store: Store, tmp_path: Path) -> None:
    assert older_than_newest(store, 1) == [ONE]
    assert older_than_newest(store, 1, "other") == []
    with writing(store):
        done = prune(store, [ONE])
    assert (done.versions, done.packs, done.freed) == ((ONE,), 0, 0)
    assert store.versions() == [OTHER, TWO]
    restore(store.manifest(TWO), store.index(TWO), store.pack, tmp_path / "back", lambda _: None)
    kept = store.index(OTHER).packs
    with writing(store):
        done = prune(store, [TWO])
    assert done.packs == 2
    assert store.packs() == {one.digest for one in kept}
    assert done.freed > 10**6
    assert not (store.images / "room").exists()


def test_a_damaged_version_can_go_and_lets_no_other_go(
    versions: list[Version], store: Store
) -> None:
    flip(store.place(ONE) / "index")
    flip(store.place(ONE) / "manifest.json")
    with writing(store), pytest.raises(ImageDamaged):
        prune(store, [TWO])
    assert set(store.versions()) == set(versions)
    with writing(store):
        prune(store, [ONE])
    assert store.versions() == [OTHER, TWO]


def test_who_is_not_there_cannot_go(versions: list[Version], store: Store) -> None:
    with writing(store), pytest.raises(ImageError, match="no such version"):
        prune(store, [ONE, Version("room", "3")])
    assert store.versions() == versions


def test_what_is_no_pack_is_left_alone(versions: list[Version], store: Store) -> None:
    stranger = store.folder / "packs" / "ab" / ".listing~"
    stranger.parent.mkdir(exist_ok=True)
    stranger.touch()
    with writing(store):
        assert prune(store, [OTHER]).packs > 0
    assert stranger.exists()
