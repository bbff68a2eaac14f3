"""Fetch an image's manifest and index, and see that they are what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire import index as indexes
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.signature import SignatureWrong, verify

_LARGEST_MANIFEST = 2**20
_LARGEST_INDEX = 2**29
"""Bytes, compressed."""


class Files(Protocol):
    """Where whole files come from: a boot server, or the PC's own cache."""

    def small(self, path: str, largest: int, digest: str = "") -> bytes:
        """Give a file; one with a digest is as it is to be."""


def bring(source: Files, ref: ImageRef, allowed: Path) -> tuple[Manifest, indexes.ImageIndex]:
    """Fetch what describes a version of an image.

    :param allowed: the file of allowed signers.
    :raises JobFailed: ``image-damaged``; ``server-gone``.
    """
    folder = f"/images/{ref.name}/{ref.version}"
    try:
        text = source.small(f"{folder}/manifest.json", _LARGEST_MANIFEST, ref.digest)
        signature = source.small(f"{folder}/manifest.sig", _LARGEST_MANIFEST)
        verify(text, signature.decode("ascii"), "ictops-image", allowed)
        manifest = strict.loads(Manifest, text)
        if (manifest.name, manifest.version) != (ref.name, ref.version):
            raise _damaged("the manifest is of another image", folder)
        largest = min(manifest.index.size, _LARGEST_INDEX)
        data = source.small(f"{folder}/index", largest, manifest.index.digest)
        return manifest, indexes.unpack(data)
    except (strict.NotAsAgreed, SignatureWrong, UnicodeDecodeError) as error:
        raise _damaged(str(error), folder) from error


def _damaged(what: str, folder: str) -> JobFailed:
    return JobFailed(
        "image-damaged",
        what,
        where=folder.removeprefix("/"),
        do="Verify the image on the control box, and publish it again",
    )
