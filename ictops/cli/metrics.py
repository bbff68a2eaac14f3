"""``ictops metrics``: numbers for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json, console


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("metrics")(metrics)


def metrics(
    *,
    file: Annotated[
        Path | None, typer.Option(help="Write them to this file, whole or not at all.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="Serve them here, such as 127.0.0.1:9469, until Ctrl-C.")
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show, write or serve numbers of runs, drift and alarms in Prometheus' text format.

    Numbers only: no name of a host or a person is in them. Whoever reaches the address may read
    them. Where the setting metrics_file names a file, each tick writes it.

    Example: ictops metrics --file /var/lib/node_exporter/ictops.prom
    """
    from ictops.operations.metrics import (  # noqa: PLC0415
        JournalCollector,
        metrics_text,
        registry_of,
        write_metrics,
    )
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    place = _place(listen) if listen else None
    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    if file is not None:
        write_metrics(journal, settings, file)
    if place is not None:
        from prometheus_client import start_http_server  # noqa: PLC0415

        address, port = place
        _, thread = start_http_server(port, address, registry_of(journal, settings))
        console(stderr=True).print(f"http://{listen}/metrics is served until Ctrl-C")
        thread.join()
    elif json:
        as_json(
            [
                {"name": sample.name, "labels": sample.labels, "value": sample.value}
                for family in JournalCollector(journal, settings).collect()
                for sample in family.samples
            ]
        )
    elif file is None:
        typer.echo(metrics_text(journal, settings), nl=False)


def _place(listen: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})", listen, re.IGNORECASE)
    highest = 65535
    if found is None or int(found[3]) > highest:
        raise typer.BadParameter("an address is written 127.0.0.1:9469 or [::1]:9469")
    return found[1] or found[2], int(found[3])
