"""A version of a disk that is there already: a reference PC's, or a virtual machine's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ictops.errors import ImageError
from ictops.imaging.images.tools import run

FORMATS = ("raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc")
"""What qemu-img reads and a person may give."""


def refuse_mounted(disk: Path) -> None:
    """See that nothing of a disk is mounted: what is written to meanwhile comes out torn.

    :raises ImageError: naming the mount point.
    """
    if not disk.is_block_device():
        return
    listed = json.loads(run("lsblk", "--json", "--paths", "--output", "PATH,MOUNTPOINTS", disk))
    mounts = [
        mount for one in _all(listed["blockdevices"]) for mount in one["mountpoints"] if mount
    ]
    if mounts:
        raise ImageError(
            f"it is in use: mounted at {', '.join(sorted(mounts))}",
            where=str(disk),
            do="Start the PC from another disk or from a rescue system, and capture it there",
        )


def raw_disk(file: Path, work: Path, say: Callable[[str], None]) -> Path:
    """Give a disk's bytes of a file that may be a virtual machine's disk.

    :param work: where they are written if need be.
    :raises ImageError: if it is of no kind that is known.
    """
    if not file.is_file():
        raise ImageError("there is no such file", where=str(file))
    kind = json.loads(run("qemu-img", "info", "--output=json", file))
    if kind["format"] not in FORMATS:
        raise ImageError(
            f"it is of kind {kind['format']}, not one of {', '.join(FORMATS)}", where=str(file)
        )
    # A disk that lies on another one could name any file of this machine as that other.
    if kind.get("backing-filename") or kind.get("full-backing-filename"):
        raise ImageError(
            "it lies on another file", where=str(file), do="Join them first: qemu-img convert"
        )
    if kind["format"] == "raw":
        return file
    say(f"unpacking {file.name}")
    disk = work / "imported"
    run("qemu-img", "convert", "-f", kind["format"], "-O", "raw", file, disk)
    return disk


def _all(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for device in devices for one in (device, *_all(device.get("children", [])))]
