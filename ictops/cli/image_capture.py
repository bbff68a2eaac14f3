"""``ictops image capture``: a reference PC's disk, here or over the network, made an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.handing_over import imaging_is_the_persons
from ictops.cli.image_options import AsWim, Name, NewVersion, SeedKind, tell
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working


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
    from ictops.settings import load_settings  # noqa: PLC0415

    if (disk is None) == (host is None):
        raise typer.BadParameter("give a disk of this machine, or --host and a PC's name")
    settings = load_settings(cluster)
    if disk is not None:
        from ictops.imaging.images.wims import WimChoice  # noqa: PLC0415 - heavy
        from ictops.operations.images import capture as make  # noqa: PLC0415

        wim = WimChoice() if as_wim else None
        with imaging_is_the_persons(settings), working(f"capturing {disk}") as status:
            made = make(
                settings, name, disk, version=version, seed=seed, say=status.update, wim=wim
            )
        tell(made, json=json)
        return

    from ictops.cli.apply import carry_and_finish  # noqa: PLC0415 - heavy
    from ictops.operations.image_capture import Becomes, begin_capture  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        image = Becomes(name, version, seed, as_wim)
        run_id = begin_capture(journal, settings, str(host), image, and_servers=and_servers)
    raise typer.Exit(carry_and_finish(journal, run_id, settings, json=json))
