"""What the commands of ``ictops image`` that make a version have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ictops.cli.completion import complete_image
from ictops.cli.output import as_json, console

if TYPE_CHECKING:
    from ictops.imaging.images.publish import Published

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The image.", autocompletion=complete_image)
]
NewVersion = Annotated[
    str | None,
    typer.Option("--version", help="The version; else the day and a number: 2026.10.26-1."),
]
SeedKind = Annotated[
    Literal["files", "nocloud", "unattend"] | None,
    typer.Option("--seed", help="How it learns which PC it is; else by what system it is."),
]
AsWim = Annotated[
    bool,
    typer.Option("--as-wim", help="Keep its Windows file by file, for disks of other sizes."),
]


def size(number: int) -> str:
    """Give bytes as a person reads them: "4.3 GB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} B"


def tell(made: Published, *, json: bool) -> None:
    """Say what was published."""
    if json:
        as_json(made)
        return
    out = console()
    out.print(f"{made.name} {made.version} is published: restored once, compared, and signed")
    out.print(
        f"{size(made.used)} used; {size(made.stored)} to fetch for an empty PC; "
        f"{size(made.added)} of that is new in the store"
    )
