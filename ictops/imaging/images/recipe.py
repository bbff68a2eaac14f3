"""The recipe of a golden image: a short YAML file, in which a word that is not known is a fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ictops.errors import ImageError
from ictops.imaging.wire.manifest import Firmware

_UNITS = {"M": 2**20, "G": 2**30}
Package = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^/usr/share/[A-Za-z0-9/._*-]+$")]
Console = Annotated[str, StringConstraints(pattern=r"^tty[A-Z0-9]+(,[0-9]+[a-z0-9]*)?$")]


class Recipe(BaseModel):
    """What a golden image is made of; with nothing said, a Debian that Ansible can log in to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: Word = Field(default="bookworm", description="The release's code name.")
    system: Literal["debian", "ubuntu"] = "debian"
    mirror: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where packages come from; else where this machine's own do.",
    )
    components: tuple[Word, ...] = ("main",)
    kernel: Package | None = Field(
        default=None,
        description="The kernel's package, if not the release's own for all PCs; such as "
        "linux-image-cloud-amd64 for virtual PCs.",
    )
    packages: tuple[Package, ...] = Field(default=(), description="More than a PC needs to run.")
    without: tuple[Pattern, ...] = Field(
        default=(), description="Files of packages that are left out, now and at each update."
    )
    size: str = Field(
        default="4G", pattern=r"^[1-9][0-9]*[MG]$", description="Of the smallest disk it fits."
    )
    firmware: tuple[Firmware, ...] = Field(default=("uefi", "bios"), min_length=1)
    account: Word = Field(default="ansible", description="Who may become root by sudo.")
    cloud_init: bool = Field(default=False, description="Whether cloud-init is to read a seed.")
    console: Console | None = Field(
        default=None, description="A serial console beside the screen, such as ttyS0."
    )

    @property
    def disk_bytes(self) -> int:
        return int(self.size[:-1]) * _UNITS[self.size[-1]]


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    :raises ImageError: saying what of it is wrong.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImageError("there is no such recipe", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = re.sub(r"\s+", " ", str(error))
        raise ImageError(f"the recipe is no YAML: {said}", where=str(path)) from error
    try:
        return Recipe.model_validate(data or {})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ImageError(
            f"the recipe's {name or 'whole'}: {first['msg']}",
            where=str(path),
            do="docs/imaging.md lists what a recipe may say",
        ) from error
