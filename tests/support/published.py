"""Published images without any content, and a key, as the control box has them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ictops.imaging.published import ImagingFolder, Published
from ictops.imaging.wire import strict
from ictops.imaging.wire.manifest import Index, Manifest, Partition
from ictops.imaging.wire.words import digest_of

GUID = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"


def manifest(name: str = "pc", version: str = "2026.1", **other: Any) -> Manifest:
    """Give the manifest of an image that wants a disk of 20 GB."""
    fields: dict[str, Any] = {
        "made_at": "2026-09-01T08:00:00+00:00", "system": "linux", "firmware": ("uefi",),
        "disk_guid": GUID, "smallest_disk": 20 * 10**9, "boot_entry": None, "boot_code": "",
        "partitions": (Partition(1, GUID, GUID, "root", 2**20, 2**30, "ext4", "blocks"),),
        "index": Index("ab" * 32, 1000), "used": 2**29, "stored": 2**28, "seed": "files",
    }  # fmt: skip
    return Manifest(ictops_image=1, name=name, version=version, **{**fields, **other})


def publish(folder: ImagingFolder, name: str = "pc", version: str = "2026.1", **other: Any) -> str:
    """Publish an image, and give its digest."""
    text = strict.dumps(manifest(name, version, **other))
    place = folder.store.images / name / version
    place.mkdir(parents=True)
    (place / "manifest.json").write_bytes(text)
    return digest_of(text).hex()


def published(folder: ImagingFolder, *words: str, **other: Any) -> Published:
    publish(folder, *words, **other)
    return folder.find(*words)


def make_key(folder: ImagingFolder) -> Path:
    """Make the key of the control box, and give the file of allowed signers."""
    folder.key.parent.mkdir(parents=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder.key)]
    subprocess.run(words, check=True)
    allowed = folder.key.with_name("allowed_signers")
    allowed.write_text(f"ictops {folder.key.with_suffix('.pub').read_text()}")
    return allowed
