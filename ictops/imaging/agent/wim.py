"""Windows from a WIM: a fresh NTFS volume is filled by the stream, and read back file by file.

What makes the PC boot (the EFI system partition's first blocks) is held back until after this, so
a volume that is only half filled is started by nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.tools import ToolFailed, feeding, reading, run
from ictops.imaging.agent.wimstream import Entry, differences, entries, first_entries, joined
from ictops.imaging.wire.manifest import SECTOR
from ictops.imaging.wire.strict import NotAsAgreed

_HEADS, _TRACK = 255, 63
"""What PCs' firmware says of every large disk; Windows' loader on BIOS PCs wants to be told."""
_NOTHING_LEFT_OUT = "[ExclusionList]\n"
_NAMED = 3
"""How many files that are wrong a person is told by name."""


def apply(chunks: Iterable[bytes], volume: Path, *, start: int, label: str) -> dict[str, Entry]:
    """Make an NTFS volume, and fill it from a WIM's chunks in their order.

    :param start: the partition's first byte on its disk.
    :returns: what the volume must hold now, for :func:`verify`.
    :raises JobFailed: ``image-damaged`` if the WIM cannot be read, ``disk-failing`` if the volume
        cannot be written.
    """
    try:
        run(
            "mkntfs", "--force", "--quick", "--quiet", f"--label={label[:32]}",
            f"--sector-size={SECTOR}", f"--partition-start={start // SECTOR}",
            f"--heads={_HEADS}", f"--sectors-per-track={_TRACK}", str(volume),
        )  # fmt: skip
        wanted: dict[str, Entry] = {}
        with feeding("wimlib-imagex", "apply", "-", "1", str(volume), "--strict-acls") as pipe:
            wanted = entries(joined(_passed_on(chunks, pipe)))
    except ToolFailed as error:
        raise JobFailed("disk-failing", str(error), where=str(volume)) from error
    except NotAsAgreed as error:
        raise JobFailed(
            "image-damaged", str(error), where=str(volume), do="Capture or import it again"
        ) from error
    return wanted


def _passed_on(chunks: Iterable[bytes], pipe: IO[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        pipe.write(chunk)
        yield chunk


def verify(volume: Path, wanted: dict[str, Entry]) -> None:
    """Read every file of a volume back: names, attributes, times, descriptors, SHA-1 of contents.

    wimlib hashes all files before it writes the metadata of a pipable WIM; no more is taken of it.

    :raises JobFailed: ``disk-failing``, naming what is wrong.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as config:
        config.write(_NOTHING_LEFT_OUT)
        config.flush()
        try:
            with reading(
                "wimlib-imagex", "capture", str(volume), "-", "--pipable", "--compress=none",
                "--norpfix", f"--config={config.name}",
            ) as stream:  # fmt: skip
                wrong = differences(wanted, first_entries(stream.read))
        except (ToolFailed, NotAsAgreed) as error:
            raise JobFailed("disk-failing", str(error), where=str(volume)) from error
    if wrong:
        named = ", ".join(wrong[:_NAMED]) + (", …" if len(wrong) > _NAMED else "")
        raise JobFailed(
            "disk-failing",
            f"{len(wrong)} of {len(wanted)} files were read back otherwise than written: {named}",
            where=str(volume),
            do="Look at the disk's SMART values and its cable, and change it",
        )
