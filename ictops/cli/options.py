"""Options that many commands have, with the same name and help everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.completion import complete_cluster, complete_host, complete_run, complete_sites

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster", help="The cluster, if not the default one.", autocompletion=complete_cluster
    ),
]
RunId = Annotated[str, typer.Argument(help="The run's id.", autocompletion=complete_run)]
SiteCodes = Annotated[
    str | None,
    typer.Option(
        "--site",
        help="Site codes with commas between them; else all.",
        autocompletion=complete_sites,
    ),
]
HostPattern = Annotated[
    str | None,
    typer.Option(
        "--limit", help="Only hosts of this Ansible pattern.", autocompletion=complete_host
    ),
]


def codes_of(site: str | None) -> tuple[str, ...]:
    """Give the codes of sites that were given with commas between them; none means all."""
    return tuple(code.strip() for code in (site or "").split(",") if code.strip())
