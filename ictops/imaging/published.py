"""The images that are published on the control box, and its key: read, never changed, here.

Below the folder ``imaging`` of the state directory: ``store/images/NAME/VERSION/manifest.json``,
and ``signing/key``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.words import NAME, VERSION, check, digest_of, moment


@dataclass(frozen=True, slots=True)
class Published:
    """A version of an image, and the digest that it is known by."""

    manifest: Manifest
    digest: str

    @property
    def ref(self) -> ImageRef:
        return ImageRef(self.manifest.name, self.manifest.version, self.digest)


@dataclass(frozen=True, slots=True)
class ImagingFolder:
    """The folder ``imaging`` of the state directory."""

    path: Path

    @property
    def key(self) -> Path:
        """The private key that signs jobs and manifests."""
        return self.path / "signing" / "key"

    @property
    def images(self) -> Path:
        return self.path / "store" / "images"

    def find(self, name: str, version: str | None = None) -> Published:
        """Give a version of an image, or its newest.

        :raises ImageError: if it is not published, or cannot be read.
        """
        found = self.versions(name)
        if not found:
            names = [one.name for one in self.images.iterdir()] if self.images.is_dir() else []
            raise _not_there(f"there is no image {name!r}", name, names)
        if version is None:
            return found[-1]
        for one in found:
            if one.manifest.version == version:
                return one
        versions = [one.manifest.version for one in found]
        raise _not_there(f"image {name} has no version {version!r}", version, versions)

    def versions(self, name: str) -> list[Published]:
        """Give the published versions of an image, the newest last; none if there is none.

        :raises ImageError: if one cannot be read.
        """
        try:
            check(NAME, name, "image's name")
        except ValueError as error:
            raise ImageError(str(error), do="Such as pc-debian") from error
        folder = self.images / name
        # A version is published by renaming its folder: what has another name is not ready.
        there = [one for one in folder.iterdir() if _is_version(one)] if folder.is_dir() else []
        found = [self._read(one) for one in there]
        return sorted(found, key=lambda one: (moment(one.manifest.made_at), one.manifest.version))

    def _read(self, folder: Path) -> Published:
        path = folder / "manifest.json"
        try:
            text = path.read_bytes()
            manifest = strict.loads(Manifest, text)
        except (OSError, strict.NotAsAgreed) as error:
            raise ImageError(
                f"the manifest cannot be read: {error}",
                where=str(path),
                do="'ictops image verify' looks at all of the store",
            ) from error
        if manifest.folder != f"{folder.parent.name}/{folder.name}":
            raise ImageError(f"this is the manifest of {manifest.folder}", where=str(path))
        return Published(manifest, digest_of(text).hex())


def _is_version(folder: Path) -> bool:
    return VERSION.fullmatch(folder.name) is not None and (folder / "manifest.json").exists()


def _not_there(what: str, wanted: str, there: list[str]) -> ImageError:
    near = get_close_matches(wanted, there, 1)
    do = f"Did you mean {near[0]}?" if near else "'ictops image list' shows what is published"
    return ImageError(what, do=do)
