"""``ictops image heal``: workstations put back to their image, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.completion import complete_host, complete_image
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working


def heal(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar="HOST", help="The PCs.", autocompletion=complete_host),
    ],
    *,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it is done now; kept in the journal.")
    ] = "a person asked for it",
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            help="NAME or NAME=VERSION; else the image that each PC was last given.",
            autocompletion=complete_image,
        ),
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Put PCs back to their image now, and apply their roles; what was changed on them is lost.

    A Linux PC with a cache does it by itself, without a boot server. Any other PC, and one that
    does not answer, does it by its boot server.

    Exit codes: 3 there is no such PC, or no such image; 4 one was not put back; 5 one did not
    answer, or somebody is logged on.

    Example: ictops image heal oak-pc-07 --reason "a pupil broke it"
    """
    from ictops.cli.apply import carry_and_finish  # noqa: PLC0415 - heavy
    from ictops.operations.image_heal import begin_heal  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_heal(journal, settings, hosts, reason, image)

    raise typer.Exit(carry_and_finish(journal, run_id, settings, json=json))
