"""Images of workstations: make, list, check and remove versions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.images import drivers, keeping
from ictops.imaging.images.build import build_disk
from ictops.imaging.images.capture import raw_disk, refuse_mounted
from ictops.imaging.images.captured import rebuild
from ictops.imaging.images.keeping import Damage, Pruned
from ictops.imaging.images.publish import Published, Seed, next_version, publish
from ictops.imaging.images.recipe import Recipe, read_recipe
from ictops.imaging.images.signing import Signing, signing_of
from ictops.imaging.images.store import Store, Version, published_before, writing
from ictops.imaging.images.wims import WimChoice
from ictops.imaging.published import imaging_folder
from ictops.settings import Settings, make_private

Say = Callable[[str], None]
MakeDisk = Callable[[Path], Path]
"""Gives a disk; told of a folder in which it may lie."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version that is there. Bytes."""

    name: str
    version: str
    made_at: datetime
    system: str
    firmware: tuple[str, ...]
    smallest_disk: int
    used: int
    stored: int
    digest: str
    """Of its manifest."""


def build(
    settings: Settings, name: str, *, recipe: Path | None, version: str | None, say: Say
) -> Published:
    """Make a golden image from packages; wants to be root.

    :raises ImageError: if the recipe is wrong, a package cannot be had, or the system is not whole.
    """
    read = read_recipe(recipe) if recipe else Recipe()
    seed: Seed = "nocloud" if read.cloud_init else "files"
    return _make(settings, name, version, seed, say, lambda work: build_disk(name, read, work, say))


def capture(
    settings: Settings,
    name: str,
    disk: Path,
    *,
    version: str | None,
    seed: Seed | None,
    say: Say,
    wim: WimChoice | None = None,
) -> Published:
    """Make a version of a disk of this machine, such as one taken out of a reference PC.

    :param disk: or the folder of one that was captured over the network.
    :raises ImageError: if it is mounted, or nothing that a PC could boot.
    """
    if disk.is_dir():
        store = imaging_folder(settings).store
        return _make(
            settings, name, version, seed, say,
            lambda work: rebuild(disk, store, work / "captured", say), wim=wim,
        )  # fmt: skip
    refuse_mounted(disk)
    return _make(settings, name, version, seed, say, lambda _: disk, wim=wim)


def import_file(
    settings: Settings,
    name: str,
    file: Path,
    *,
    version: str | None,
    seed: Seed | None,
    say: Say,
    wim: WimChoice | None = None,
) -> Published:
    """Make a version of a file that has a disk's bytes, or is a virtual machine's disk.

    :raises ImageError: if it is of no kind that is known, or nothing that a PC could boot.
    """
    return _make(
        settings, name, version, seed, say, lambda work: raw_disk(file, work, say), wim=wim
    )


def list_images(settings: Settings, name: str | None = None) -> list[Listed]:
    """Give the versions that there are, each image's oldest first.

    :raises ImageDamaged: if a manifest cannot be read.
    """
    images = imaging_folder(settings)
    found = []
    for one in images.store.versions():
        if name in {None, one.name}:
            published = images.read(one)
            manifest = published.manifest
            found.append(
                Listed(
                    one.name,
                    one.version,
                    datetime.fromisoformat(manifest.made_at),
                    manifest.system,
                    manifest.firmware,
                    manifest.smallest_disk,
                    manifest.used,
                    manifest.stored,
                    published.digest,
                )
            )
    return found


def verify(
    settings: Settings, name: str | None, version: str | None, say: Say
) -> tuple[list[Version], list[Damage]]:
    """Read all that versions are made of; give which were looked at, and what is damaged.

    :raises ImageError: if there is no such version.
    """
    store = imaging_folder(settings).store
    chosen = _chosen(store, name, (version,) if version else ())
    return chosen, keeping.find_damage(store, _signing(settings), chosen, say)


def prune(
    settings: Settings, name: str | None, versions: Iterable[str], keep: int | None
) -> Pruned:
    """Take away all but each image's newest versions, or exactly these.

    :param keep: how many stay; None where versions are named.
    :raises ImageError: if there is no such version.
    """
    store = imaging_folder(settings).store
    with writing(store):
        if keep is None:
            going = _chosen(store, name, versions)
        else:
            going = keeping.older_than_newest(store, keep, name)
        return keeping.prune(store, going)


def publish_drivers(settings: Settings, name: str, folder: Path) -> str:
    """Keep a folder of drivers for the PCs of a model; give what a job calls it.

    :raises ImageError: if there is no driver in it, or the name is none.
    """
    store = imaging_folder(settings).store.folder
    make_private(store)
    return drivers.publish(folder, store, name)


def _make(
    settings: Settings,
    name: str,
    version: str | None,
    seed: Seed | None,
    say: Say,
    make_disk: MakeDisk,
    *,
    wim: WimChoice | None = None,
) -> Published:
    store, signing = imaging_folder(settings).store, _signing(settings)
    with writing(store) as work:
        made = new_version(store, name, version)
        disk = make_disk(work)
        return publish(
            disk, made, store=store, signing=signing, work=work, seed=seed, say=say, wim=wim
        )


def new_version(store: Store, name: str, version: str | None) -> Version:
    """Give the version that is to be made.

    :raises ImageError: if there can be none of this name, or it is there.
    """
    today = datetime.now().astimezone().date()
    try:
        made = Version(name, version or next_version(store, name, today))
    except ValueError as error:
        raise ImageError(str(error), do="Letters, digits and hyphens, in lower case") from error
    if store.has(made):
        raise published_before(made)
    return made


def _chosen(store: Store, name: str | None, versions: Iterable[str]) -> list[Version]:
    there = store.versions()
    if name is None:
        return there
    wanted = set(versions)
    found = [one for one in there if one.name == name and (not wanted or one.version in wanted)]
    missing = wanted - {one.version for one in found}
    if missing or not found:
        what = f"{name} {min(missing)}" if missing else name
        raise ImageError("there is no such image", where=what, do="See ictops image list")
    return found


def _signing(settings: Settings) -> Signing:
    return signing_of(imaging_folder(settings).path)
