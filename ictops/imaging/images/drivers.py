"""Folders of drivers, as the image server gives them: named by the digest of their list."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.wire.drivers import LIST, Driver, line, read_list
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import DIGEST, NAME, digest_of

_FOR_WINDOWS = re.compile(r'[^\x00-\x1f<>:"|?*\\\ud800-\udfff]+')
"""Names of another alphabet than UTF-8, as old archives have them, are read as surrogates."""


class DriversError(ImageError):
    """A folder of drivers cannot be published."""


def publish(source: Path, store: Path, name: str) -> str:
    """Copy a folder of drivers below ``drivers/``, and give what a job calls it.

    The same files have the same name, and are not copied again. What was there of this name goes:
    boot servers keep it for the jobs that name it until they are told to prune.

    :param source: a folder with the drivers unpacked: Windows wants ``.inf`` files.
    :param name: which model they are for, in the words of a path.
    :raises DriversError: if the folder has no driver, or something that no Windows can have.
    """
    if not NAME.fullmatch(name):
        raise DriversError(
            f"{name!r} is no name for drivers", do="Take small letters, digits and hyphens"
        )
    found = _files(source)
    folder = store / "drivers" / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        new = Path(scratch) / "files"
        lines = []
        for path in found:
            data = (source / path).read_bytes()
            lines.append(line(Driver(digest_of(data).hex(), len(data), path)))
            copy = new / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            _write(copy, data)
        listed = "".join(lines).encode()
        try:
            read_list(listed)  # what a PC would refuse is refused here
        except NotAsAgreed as error:
            raise DriversError(f"no PC would take them: {error}", where=str(source)) from error
        _write(new / LIST, listed)
        there = folder / digest_of(listed).hex()
        if there.is_dir() and not _whole(there, listed):
            shutil.rmtree(there)
        if not there.is_dir():
            new.rename(there)
    for other in _published(folder):
        if other != there:
            shutil.rmtree(other)
    return f"{name}/{there.name}"


def find(store: Path, name: str) -> str:
    """Give what a job calls the drivers of a name.

    :raises DriversError: if there are none.
    """
    there = _published(store / "drivers" / name) if NAME.fullmatch(name) else []
    if not there:
        names = ", ".join(sorted(one.name for one in (store / "drivers").glob("[!.]*")))
        raise DriversError(
            f"there are no drivers {name!r}",
            do=f"There are {names}" if names else "'ictops image drivers' publishes a folder",
        )
    # Two are there only where a power cut kept the older one from going.
    return f"{name}/{max(there, key=lambda one: one.stat().st_mtime_ns).name}"


def _published(folder: Path) -> list[Path]:
    return [one for one in folder.glob("*") if DIGEST.fullmatch(one.name)]


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _files(source: Path) -> list[str]:
    found = []
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            at = Path(folder) / name
            path = at.relative_to(source).as_posix()
            if at.is_symlink() or not at.is_file():
                raise DriversError(f"{path} is no plain file", where=str(source))
            if not _FOR_WINDOWS.fullmatch(path) or path.casefold() == LIST:
                raise DriversError(f"{path!r} is no name for a driver's file", where=str(source))
            found.append(path)
    if not any(path.casefold().endswith(".inf") for path in found):
        raise DriversError(
            "there is no driver: Windows reads .inf files",
            where=str(source),
            do="Unpack the vendor's archive or installer, and give the folder that it unpacks to",
        )
    return sorted(found)


def _whole(folder: Path, listed: bytes) -> bool:
    if not (folder / LIST).is_file() or (folder / LIST).read_bytes() != listed:
        return False
    return all(
        (at := folder / one.path).is_file() and digest_of(at.read_bytes()).hex() == one.digest
        for one in read_list(listed)
    )
