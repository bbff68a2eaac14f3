"""What imaging keeps on the control box, below the folder ``imaging`` of the state directory.

``signing/key`` signs jobs and manifests, ``store`` has the images, ``agent`` what PCs boot.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.images.store import MANIFEST, Store, Version
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.words import digest_of
from ictops.settings import Settings


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
    def store(self) -> Store:
        """The image store."""
        return Store(self.path / "store")

    @property
    def agent(self) -> Path:
        """The agent's Linux."""
        return self.path / "agent"

    def find(self, name: str, version: str | None = None) -> Published:
        """Give a version of an image, or its newest.

        :raises ImageError: if it is not published, or cannot be read.
        """
        there = self.store.versions()
        found = [one for one in there if one.name == name]
        if not found:
            names = [one.name for one in there]
            raise _not_there(f"there is no image {name!r}", name, names)
        if version is None:
            return self.read(found[-1])
        for one in found:
            if one.version == version:
                return self.read(one)
        versions = [one.version for one in found]
        raise _not_there(f"image {name} has no version {version!r}", version, versions)

    def read(self, version: Version) -> Published:
        """Give what is published as a version.

        :raises ImageError: if there is no such version, or it cannot be read.
        """
        text = self.store.read(version, MANIFEST)
        return Published(self.store.manifest(version), digest_of(text).hex())


def imaging_folder(settings: Settings) -> ImagingFolder:
    """Give the folder of all that imaging keeps on the control box."""
    return ImagingFolder(settings.resolve(settings.state_dir) / "imaging")


def _not_there(what: str, wanted: str, there: list[str]) -> ImageError:
    near = get_close_matches(wanted, there, 1)
    do = f"Did you mean {near[0]}?" if near else "'ictops image list' shows what is published"
    return ImageError(what, do=do)
