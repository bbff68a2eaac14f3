"""``ictops image capture``: a reference PC's disk, here or over the network, made an image."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.handing_over import imaging_is_the_persons
from ictops.cli.image_options import AsWim, Name, NewVersion, SeedKind, tell
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working

if TYPE_CHECKING:
    from ictops.imaging.images.publish import Published


def capture(
    name: Name,
    disk: Annotated[
        Path | None,
        typer.Argument(
            metavar="DISK",
            help="Its device or file, in this machine; or the folder of a capture that was kept.",
        ),
    ] = None,
    *,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", help="The PC, whose disk stays in it.", autocompletion=complete_host
        ),
    ] = None,
    version: NewVersion = None,
    seed: SeedKind = None,
    as_wim: AsWim = False,
    and_servers: Annotated[
        bool, typer.Option("--and-servers", help="Also where the host is a server.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Make a version of a reference PC's disk, over the network or in this machine.

    With --host the PC boots from the network, and its boot server takes what its disk holds;
    nothing is written to it. A disk in this machine must not be in use.

    A Windows must have been generalised by sysprep and shut down, and not been started since. It
    is switched off afterwards; a Linux boots again.

    Exit codes: 1 it was not made, and nothing is published; 3 there is no such PC; 4 it could not
    be captured; 5 it did not answer, or somebody is logged on.

    Example: ictops image capture classroom --host oak-it1-01
    """
    from ictops.imaging.images.wims import WimChoice  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    if (disk is None) == (host is None):
        raise typer.BadParameter("give a disk of this machine, or --host and a PC's name")
    wim = WimChoice() if as_wim else None
    if disk is not None:
        from ictops.operations.images import capture as make  # noqa: PLC0415

        settings = load_settings(cluster)
        with imaging_is_the_persons(settings), working(f"capturing {disk}") as status:
            made = make(
                settings, name, disk, version=version, seed=seed, say=status.update, wim=wim
            )
        tell(made, json=json)
        return

    from ictops.cli.apply import carry_and_show  # noqa: PLC0415
    from ictops.operations.finish import finish  # noqa: PLC0415
    from ictops.operations.image_capture import (  # noqa: PLC0415
        begin_capture,
        publish_captured,
    )
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_capture(
            journal, settings, name, str(host), version=version, and_servers=and_servers
        )
    published: list[Published] = []

    def keep() -> dict[str, object]:
        finish(journal, settings, run_id)
        with working("publishing") as status:
            made = publish_captured(
                journal, settings, run_id, name, version=version, seed=seed, say=status.update,
                wim=wim,
            )  # fmt: skip
        if made is None:
            return {}
        published.append(made)
        return {"image": asdict(made)}

    code = carry_and_show(journal, run_id, settings, json=json, finish=keep)
    if published and not json:
        tell(published[0], json=False)
    raise typer.Exit(code)
