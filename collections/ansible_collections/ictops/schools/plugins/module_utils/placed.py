# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moving what was restored into its place, by renames, over nothing unless that is asked for."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from datetime import datetime, timezone

from ansible_collections.ictops.schools.plugins.module_utils.staging import PlaceError, open_in

NOREPLACE = 1
"""RENAME_NOREPLACE of renameat2(2): Python has no name for it."""
SHOWN = 3


def put(source: int, target: int, name: str, shown: str, *, overwrite: bool) -> None:
    """Move an entry of one open folder into another.

    With ``overwrite`` files are replaced one by one and folders are joined: what is there and is
    not in the backup stays.

    :param shown: the path of its place, for a person.
    :raises PlaceError: if something is in the way. Nothing was changed then.
    """
    if not overwrite:
        _move(source, target, name, shown)
        return
    ways: list[str] = []
    _see(source, target, name, shown, ways)
    if ways:
        more = f" and {len(ways) - SHOWN} more" if ways[SHOWN:] else ""
        raise PlaceError(
            f"in the way: {'; '.join(ways[:SHOWN])}{more}. Move it away, or choose another place"
        )
    _over(source, target, name, shown)


def _move(source: int, target: int, name: str, shown: str) -> None:
    """Rename, and see in the same step that nothing is there."""
    libc = ctypes.CDLL(None, use_errno=True)
    raw = os.fsencode(name)
    if libc.renameat2(source, raw, target, raw, NOREPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        raise PlaceError(
            f"{shown} is there ({_about(target, name)}), and is not overwritten unless that is "
            "asked for"
        )
    if code != errno.EINVAL:
        raise OSError(code, os.strerror(code), shown)
    # A file system that knows no such rename, such as NFS: nothing else can be done than look.
    if _there(target, name) is not None:
        raise PlaceError(
            f"{shown} is there ({_about(target, name)}), and is not overwritten unless that is "
            "asked for"
        )
    os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)


def _see(source: int, target: int, name: str, shown: str, ways: list[str]) -> None:
    """Find where a file has come to be where a folder was, or the other way round."""
    there, new = _there(target, name), _there(source, name)
    if there is None or new is None:
        return
    if stat.S_ISDIR(there.st_mode) != stat.S_ISDIR(new.st_mode):
        ways.append(f"{shown} is {_kind(there)} now and was {_kind(new)}")
        return
    if stat.S_ISDIR(new.st_mode):
        old, own = open_in(source, name, shown), open_in(target, name, shown)
        try:
            for one in os.listdir(old):  # noqa: PTH208 - an open folder
                _see(old, own, one, f"{shown}/{one}", ways)
        finally:
            os.close(old)
            os.close(own)


def _over(source: int, target: int, name: str, shown: str) -> None:
    new, there = os.stat(name, dir_fd=source, follow_symlinks=False), _there(target, name)
    if there is None or not stat.S_ISDIR(new.st_mode):
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        return
    old, own = open_in(source, name, shown), open_in(target, name, shown)
    try:
        for one in os.listdir(old):  # noqa: PTH208 - an open folder
            _over(old, own, one, f"{shown}/{one}")
        os.fchown(own, new.st_uid, new.st_gid)
        os.fchmod(own, stat.S_IMODE(new.st_mode))
        os.utime(own, ns=(new.st_atime_ns, new.st_mtime_ns))
    finally:
        os.close(old)
        os.close(own)


def _there(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _about(folder: int, name: str) -> str:
    """Say what is there, so that a person can tell whether it may go."""
    found = _there(folder, name)
    if found is None:
        return "gone again"
    zone = timezone.utc  # noqa: UP017 - for hosts with an older Python
    at = datetime.fromtimestamp(found.st_mtime, zone).strftime("%Y-%m-%d %H:%M UTC")
    size = f" of {found.st_size} bytes" if stat.S_ISREG(found.st_mode) else ""
    return f"{_kind(found)}{size}, changed {at}"


def _kind(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    if stat.S_ISLNK(found.st_mode):
        return "a link"
    return "a file" if stat.S_ISREG(found.st_mode) else "no ordinary file"
