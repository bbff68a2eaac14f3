"""Options that many commands have, with the same name and help everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.completion import complete_cluster, complete_run

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster", help="The cluster, if not the default one.", autocompletion=complete_cluster
    ),
]
RunId = Annotated[str, typer.Argument(help="The run's id.", autocompletion=complete_run)]
