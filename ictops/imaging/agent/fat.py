"""Files on a FAT partition, by mtools(1): no mount, so it works on a plain file, too."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
from pathlib import PurePosixPath

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.table import Entry


class Fat:
    """The file system of a partition."""

    def __init__(self, disk: Disk, entry: Entry) -> None:
        self._disk = disk
        self._start = entry.start
        self._image = f"{disk.path}@@{entry.start}"

    def read(self, path: str) -> bytes:
        """Give a file; nothing if it is not there, or the file system is damaged."""
        done = self._run("mtype", f"::/{path}")
        return b"" if done.returncode else done.stdout

    def folders(self, path: str) -> list[str]:
        """Give the names of the folders in a folder."""
        done = self._run("mdir", "-b", f"::/{path}")
        lines = [] if done.returncode else done.stdout.decode(errors="replace").splitlines()
        return [PurePosixPath(one).name for one in lines if one.endswith("/")]

    def put(self, path: str, data: bytes) -> None:
        """Write a file, unless it is so already; folders that are missing are made.

        :raises JobFailed: ``agent``, with what mtools said.
        """
        if data and self.read(path) == data:
            return
        for folder in [*PurePosixPath(path).parents][-2::-1]:
            if self._run("mdir", f"::/{folder}").returncode:
                self._do("mmd", f"::/{folder}")
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self._do("mcopy", "-D", "o", file.name, f"::/{path}")
        self._disk.flush()

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it.

        :raises JobFailed: ``agent``, with what mtools said.
        """
        self._do("mdeltree", f"::/{folder}")

    def place(self, path: str) -> int:
        """Give where on the disk a small file lies, in bytes: of one cluster, or of neighbours.

        :raises JobFailed: ``agent`` if it is not there, or in pieces.
        """
        said = self._do("mshowfat", f"::/{path}").decode(errors="replace")
        match = re.search(r" <(\d+)(-\d+)?>\s*$", said)
        if match is None:
            raise JobFailed("agent", f"it lies in pieces: {said.strip()}", where=path)
        head = bytearray(512)
        self._disk.read(self._start, head)
        # Microsoft's FAT32 specification: BytsPerSec, SecPerClus, RsvdSecCnt; NumFATs; FATSz32.
        sector, per_cluster, reserved, copies = struct.unpack_from("<HBHB", head, 11)
        (length,) = struct.unpack_from("<I", head, 36)
        first = reserved + copies * length
        at: int = self._start + (first + (int(match[1]) - 2) * per_cluster) * sector
        return at

    def _do(self, command: str, *words: str) -> bytes:
        done = self._run(command, *words)
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip()
            raise JobFailed("agent", f"{command} failed: {why}", where=" ".join(words))
        return done.stdout

    def _run(self, command: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["mtools", "-c", command, "-i", self._image, *words],
            # Whatever shape of disk a FAT is for is of no interest.
            env={**os.environ, "MTOOLS_SKIP_CHECK": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
