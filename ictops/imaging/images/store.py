"""The image store: which versions there are, and the packs that hold their pieces.

::

    images/<name>/<version>/manifest.json, manifest.sig, index
    packs/<aa>/<digest>
    work/            what is being made; nobody reads it, and the next writer takes it away
    lock

Nothing below ``images`` and ``packs`` is ever changed. A version is there once its folder has been
renamed into place, which comes after all its packs have been: so who sees a version sees all of it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.wire import strict
from ictops.imaging.wire.index import ImageIndex, unpack
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import DIGEST, NAME, VERSION, check, digest_of
from ictops.settings import make_private

MANIFEST, SIGNATURE, INDEX = "manifest.json", "manifest.sig", "index"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version of an image."""

    name: str
    version: str

    def __post_init__(self) -> None:
        check(NAME, self.name, "image's name")
        check(VERSION, self.version, "image's version")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Store:
    """The folder that has it all."""

    folder: Path

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def place(self, version: Version) -> Path:
        """Give the folder of a version."""
        return self.images / version.name / version.version

    def pack(self, digest: bytes) -> Path:
        """Give where a pack is."""
        return self.folder / pack_path(digest)

    def packs(self) -> set[bytes]:
        """Give the digests of the packs that there are."""
        found = (self.folder / "packs").glob("??/*")
        # Whoever put another file there, it is no pack.
        return {bytes.fromhex(one.name) for one in found if DIGEST.fullmatch(one.name)}

    def versions(self) -> list[Version]:
        """Give the versions that there are, by name, each name's oldest first."""
        found = []
        for place in self.images.glob("*/*"):
            if not (NAME.fullmatch(place.parent.name) and VERSION.fullmatch(place.name)):
                continue  # whoever put it there, it is no version
            made = Version(place.parent.name, place.name)
            found.append((made.name, self._made_at(made), made))
        return [version for _, _, version in sorted(found)]

    def _made_at(self, version: Version) -> str:
        try:
            return self.manifest(version).made_at
        except ImageDamaged:  # the others can be used all the same, and this one be taken away
            return ""

    def has(self, version: Version) -> bool:
        """Tell whether a version is there."""
        return self.place(version).exists()

    def manifest(self, version: Version) -> Manifest:
        """Read a version's manifest, whose signature others look at.

        :raises ImageError: if there is no such version.
        :raises ImageDamaged: if it cannot be read.
        """
        text = self.read(version, MANIFEST)
        try:
            made = strict.loads(Manifest, text)
        except NotAsAgreed as error:
            raise ImageDamaged(f"its manifest is damaged: {error}", where=str(version)) from error
        if (made.name, made.version) != (version.name, version.version):
            raise ImageDamaged("its manifest is another version's", where=str(version))
        return made

    def index(self, version: Version) -> ImageIndex:
        """Read a version's index.

        :raises ImageDamaged: if it is not the one that its manifest names.
        """
        data = self.read(version, INDEX)
        if digest_of(data).hex() != self.manifest(version).index.digest:
            raise ImageDamaged("its index is damaged", where=str(version))
        try:
            return unpack(data)
        except NotAsAgreed as error:
            raise ImageDamaged(f"its index is damaged: {error}", where=str(version)) from error

    def read(self, version: Version, name: str) -> bytes:
        """Read one of a version's files."""
        try:
            return (self.place(version) / name).read_bytes()
        except FileNotFoundError as error:
            if self.has(version):
                raise ImageDamaged(f"its {name} is missing", where=str(version)) from error
            raise no_such_version(version) from error


def pack_path(digest: bytes) -> Path:
    """Give where a pack is, below the store and below the boot server's root."""
    return Path("packs") / digest.hex()[:2] / digest.hex()


@contextmanager
def writing(store: Store) -> Iterator[Path]:
    """Be the only one who writes to the store, and give an empty folder to work in.

    What an earlier writer left behind when it was cut off goes: its work, and packs that no
    version has come to need.

    :raises ImageError: if somebody else writes.
    """
    make_private(store.folder)
    with (store.folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ImageError(
                f"process {lock.read().strip() or 'unknown'} writes to the images just now",
                where=str(store.folder),
                do="Wait until it is through",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        shutil.rmtree(store.work, ignore_errors=True)
        _remove_leftovers(store)
        store.work.mkdir()
        try:
            yield store.work
        finally:
            shutil.rmtree(store.work, ignore_errors=True)


def _remove_leftovers(store: Store) -> None:
    try:
        remove_packs(store, store.packs() - needed(store, store.versions()))
    except ImageDamaged:
        return  # nobody knows what the damaged version needs: verify tells, and prune takes it away


def needed(store: Store, versions: Iterable[Version]) -> set[bytes]:
    """Give the digests of the packs that these versions need."""
    return {pack.digest for version in versions for pack in store.index(version).packs}


def remove_packs(store: Store, digests: Iterable[bytes]) -> int:
    """Take packs away, and give how many bytes they had."""
    freed = 0
    for digest in digests:
        path = store.pack(digest)
        freed += path.stat().st_size
        path.unlink()
    return freed


def place_whole(work: Path, store: Store, version: Version, packs: Iterable[bytes]) -> None:
    """Put a finished version in its place: its new packs, then its folder.

    :param work: holds ``version`` with its files, and the new packs below ``packs``.
    :raises ImageError: if the version has come to be there: one that is published never changes.
    """
    for digest in packs:
        target = store.pack(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        (work / pack_path(digest)).rename(target)
        _flush(target.parent)
    place = store.place(version)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        raise published_before(version)
    for file in (work / "version").iterdir():
        _flush(file)
    _flush(work / "version")
    (work / "version").rename(place)
    _flush(place.parent)


def published_before(version: Version) -> ImageError:
    """Give why a version is not made a second time."""
    return ImageError(
        "this version is published, and a published one never changes",
        where=str(version),
        do="Give another --version",
    )


def no_such_version(version: Version) -> ImageError:
    """Give why nothing is known of a version."""
    return ImageError("there is no such version", where=str(version), do="See ictops image list")


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
