"""What root made under sudo, given to the person who called it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ictops.settings import Settings


@contextmanager
def imaging_is_the_persons(settings: Settings) -> Iterator[None]:
    """Give all that imaging keeps to that person when this ends, however it ends.

    Only a system's files and disks need root: plans, runs and signing are the person's own.
    """
    from ictops.imaging.published import imaging_folder  # noqa: PLC0415
    from ictops.lab.machine import hand_over  # noqa: PLC0415 - heavy

    folder = imaging_folder(settings).path
    try:
        yield
    finally:
        paths = [folder.parent, folder, *folder.rglob("*")] if folder.is_dir() else []
        hand_over(paths, settings.workspace)
