"""``ictops image agent``: build what PCs boot while they are imaged."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.handing_over import imaging_is_the_persons
from ictops.cli.options import AsJson
from ictops.cli.output import as_json, console, table, working


def agent(
    mirror: Annotated[
        str, typer.Option(help="Debian's mirror; its own, with security updates, if left out.")
    ] = "",
    *,
    json: AsJson = False,
) -> None:
    """Build the Linux that PCs boot over the network while they are imaged.

    Takes about a minute. Build it again for Debian's security updates: the same packages give
    the same bytes.

    Exit code 1: it was not built; what was there stays.

    Example: ictops image agent
    """
    from dataclasses import asdict  # noqa: PLC0415

    from ictops.operations.image_agent import agent_folder, build_agent  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with imaging_is_the_persons(settings), working("building the agent's Linux"):
        found = build_agent(settings, mirror)
    if json:
        as_json(asdict(found))
        return
    shown = table("file", "MB", "digest")
    for name, one in found.files.items():
        shown.add_row(name, f"{one.size / 1e6:.1f}", one.digest[:16])
    console().print(shown)
    console().print(f"Linux {found.kernel} in {agent_folder(settings)}", markup=False)
