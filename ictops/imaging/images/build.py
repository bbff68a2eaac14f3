"""A golden image from a recipe, unattended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ictops.imaging.images.bootable import make_disk, names_of
from ictops.imaging.images.debian import make_root
from ictops.imaging.images.recipe import Recipe


def build_disk(image: str, recipe: Recipe, work: Path, say: Callable[[str], None]) -> Path:
    """Make a disk with a whole system on it, and give the file. Wants to be root.

    :param work: an empty folder for it and all that is made on the way.
    :raises ImageError: if a package cannot be had, or the system does not fit.
    """
    root, disk = work / "root", work / "disk"
    names = names_of(image)
    say(f"installing {recipe.system} {recipe.suite} (a minute or two)")
    make_root(recipe, root, names.filesystem, names.esp_uuid)
    say("making the disk")
    make_disk(recipe, names, root, disk, work)
    shutil.rmtree(root)
    return disk
