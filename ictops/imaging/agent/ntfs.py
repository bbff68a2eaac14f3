"""An NTFS volume's files, by ntfs-3g, on a device or on a plain file.

Names are found as Windows finds them, whatever their case. Nothing is followed out of the volume:
junctions and links of the image are not walked through.
"""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.tools import ToolFailed, run

_PAUSE = 0.02
_SECONDS = 60
"""How long a volume may take to be mounted: ntfs-3g reads its journal first."""
_OPTIONS = "no_detach,ignore_case,norecover,windows_names,nodev,nosuid,noexec"
_ACL = "system.ntfs_acl"
"""The attribute by which ntfs-3g gives and takes a security descriptor."""


@contextmanager
def mounted(volume: Path, *, read_only: bool = False) -> Iterator[Path]:
    """Give the folder where a volume's files are, until the block ends; then all is written.

    :raises JobFailed: ``image-damaged`` if Windows was not shut down on it (it hibernated, or was
        captured while it ran), or it is no NTFS; ``disk-failing`` or ``job-refused`` if the volume
        does not take what the block writes.
    """
    with tempfile.TemporaryDirectory(prefix="ictops-ntfs-") as folder, _words() as words:
        # It stays in front, so that it is known when the last block has been written.
        process = subprocess.Popen(
            [
                "lowntfs-3g", "-o",
                _OPTIONS + ",ro" * read_only,
                str(volume), folder,
            ],
            stdin=subprocess.DEVNULL, stdout=words, stderr=words,
        )  # fmt: skip
        try:
            _wait(process, folder)
            if process.poll() is not None:
                words.seek(0)
                said = " ".join(words.read().decode(errors="replace").split())
                raise JobFailed(
                    "image-damaged",
                    f"the Windows volume cannot be opened: {said}",
                    where=str(volume),
                    do="Shut the reference PC down by sysprep (/generalize /oobe /shutdown),"
                    " and capture it again",
                )
            yield Path(folder)
        except OSError as error:
            raise _refused(error, folder, volume) from error
        finally:
            _unmount(process, folder)
    if process.returncode:
        raise JobFailed(
            "disk-failing", f"ntfs-3g ended with {process.returncode}", where=str(volume)
        )


@contextmanager
def _words() -> Iterator[tempfile.SpooledTemporaryFile[bytes]]:
    with tempfile.SpooledTemporaryFile() as words:
        words.fileno()  # a program writes to it
        yield words


def _refused(error: OSError, folder: str, volume: Path) -> JobFailed:
    """Say what the volume did not take: too much, a name that Windows has not, or anything."""
    name = str(error.filename or "a file").removeprefix(folder)
    failing = error.errno in {errno.EIO, errno.EROFS}
    return JobFailed(
        "disk-failing" if failing else "job-refused",
        f"{name} cannot be read or written: {error.strerror}",
        where=str(volume),
    )


def _wait(process: subprocess.Popen[bytes], folder: str) -> None:
    until = time.monotonic() + _SECONDS
    while process.poll() is None and not os.path.ismount(folder):
        if time.monotonic() > until:
            process.kill()
        time.sleep(_PAUSE)


def _unmount(process: subprocess.Popen[bytes], folder: str) -> None:
    if os.path.ismount(folder):
        try:
            run("umount", folder)
        except ToolFailed:
            run("umount", "--lazy", folder)
    elif process.poll() is None:
        process.kill()
    process.wait()


def inside(root: Path, path: str) -> Path:
    """Give where a path of a volume is; slashes or backslashes part its names.

    :raises JobFailed: ``job-refused`` if it would lead out of the volume.
    """
    at = root
    for name in path.replace("\\", "/").strip("/").split("/"):
        if name in {"", ".", ".."} or ":" in name or "\0" in name:
            raise JobFailed("job-refused", f"{path!r} is no path of a Windows volume")
        at /= name
        if at.is_symlink():
            raise JobFailed("job-refused", f"{path!r} leads through a link of the image")
    return at


def write(root: Path, path: str, data: bytes) -> None:
    """Write a file, and the folders above it, for the system and administrators alone.

    :raises JobFailed: ``job-refused`` if the path would lead out of the volume.
    """
    at = inside(root, path)
    at.parent.mkdir(parents=True, exist_ok=True)
    # Nobody else may read it from its first byte on.
    at.touch()
    os.setxattr(at, _ACL, PRIVATE)
    at.write_bytes(data)


def grow(volume: Path) -> None:
    """Let a volume fill the device that it is on.

    :raises JobFailed: ``disk-failing`` if that fails; ``image-damaged`` if the volume is not whole.
    """
    try:
        # What it would do is tried first: it says then what is wrong, and has changed nothing.
        run("ntfsresize", "--no-action", "--force", "--force", str(volume))
    except ToolFailed as error:
        raise JobFailed("image-damaged", str(error), where=str(volume)) from error
    try:
        run("ntfsresize", "--force", "--force", str(volume))
    except ToolFailed as error:
        raise JobFailed("disk-failing", str(error), where=str(volume)) from error


def check(volume: Path) -> None:
    """Look whether a volume is whole, and change nothing.

    :raises JobFailed: ``disk-failing``.
    """
    try:
        run("ntfsfix", "--no-action", str(volume))
    except ToolFailed as error:
        raise JobFailed("disk-failing", str(error), where=str(volume)) from error


def _sid(*authorities: int) -> bytes:
    return struct.pack("<BB6s", 1, len(authorities), b"\0\0\0\0\0\x05") + struct.pack(
        f"<{len(authorities)}I", *authorities
    )


def _private() -> bytes:
    """Give a descriptor with owner Administrators, full access for them and SYSTEM, no heirs.

    OpenSSH for Windows refuses a host key, or a list of keys, that others can read or write
    (Win32-OpenSSH wiki, "Security protection of various files"). Layouts: MS-DTYP 2.4.6, 2.4.5,
    2.4.4.2, 2.4.2.2.
    """
    system, administrators = _sid(18), _sid(32, 544)
    full = 0x1F01FF
    allowed = b"".join(
        struct.pack("<BBHI", 0, 0, 8 + len(one), full) + one for one in (system, administrators)
    )
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(allowed), 2, 0) + allowed
    head = 20
    protected_and_present = 0x8000 | 0x1000 | 0x0004
    owner_at, group_at = head + len(acl), head + len(acl) + len(administrators)
    return (
        struct.pack("<BBHIIII", 1, 0, protected_and_present, owner_at, group_at, 0, head)
        + acl + administrators + administrators
    )  # fmt: skip


PRIVATE = _private()
