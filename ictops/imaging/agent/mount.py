"""Mount a partition by its place on the disk.

A loop device over the disk gives the same on a PC and on a plain file, and does not depend on how
the kernel names partitions, or on whether it knows them yet.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.table import Entry

CAN_MOUNT = {"ext4", "btrfs"}
_REPAIRED = (0, 1)
"""Exit codes of e2fsck(8): nothing was wrong, or no more."""


@contextmanager
def attached(disk: Disk, entry: Entry) -> Iterator[Path]:
    """Give a partition as a device while the block runs; afterwards all is on the disk.

    Of a disk that is open for reading alone, it is a device that nobody can write to.
    """
    place = ["--offset", str(entry.start), "--sizelimit", str(entry.size)]
    place += ["--read-only"] if disk.read_only else []
    device = run("losetup", "--find", "--show", *place, str(disk.path)).strip()
    try:
        yield Path(device)
    finally:
        run("losetup", "--detach", device)
    disk.flush()


@contextmanager
def mounted(disk: Disk, entry: Entry, filesystem: str, *, grow: bool) -> Iterator[Path]:
    """Mount a partition while the block runs; afterwards all is on the disk.

    :param grow: let its file system fill it first.
    """
    with attached(disk, entry) as at:
        device = str(at)
        if grow and filesystem == "ext4":
            _grow_ext4(device)
        with tempfile.TemporaryDirectory(prefix="ictops-") as folder:
            run("mount", "-t", filesystem, device, folder)
            try:
                if grow and filesystem == "btrfs":
                    run("btrfs", "filesystem", "resize", "max", folder)
                yield Path(folder)
            finally:
                run("umount", folder)
        if filesystem == "ext4":
            run("e2fsck", "-p", device, fine=_REPAIRED)


@contextmanager
def open_folder(disk: Disk, entry: Entry, filesystem: str) -> Iterator[Path]:
    """Mount a partition of ours while the block runs, as it is.

    :raises JobFailed: ``agent`` if it cannot be mounted.
    """
    with attached(disk, entry) as at, tempfile.TemporaryDirectory(prefix="ictops-") as folder:
        run("mount", "-t", filesystem, str(at), folder)
        try:
            yield Path(folder)
        finally:
            run("umount", folder)


def _grow_ext4(device: str) -> None:
    try:
        run("resize2fs", device)
    except JobFailed:
        # It wants to see a check first where the system was used before it became an image.
        run("e2fsck", "-f", "-p", device, fine=_REPAIRED)
        run("resize2fs", device)


def run(*command: str, fine: Collection[int] = (0,)) -> str:
    """Run a program.

    :param fine: exit codes that are no failure.
    :raises JobFailed: ``agent``, with what it said.
    """
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in fine:
        why = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise JobFailed("agent", f"{command[0]} failed: {why}", where=" ".join(command[1:]))
    return done.stdout.decode(errors="replace")
