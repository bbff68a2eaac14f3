"""``ictops erase``: certificates of what became of disks that were erased for disposal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.completion import complete_host, complete_run
from ictops.cli.options import AsJson, ClusterName, SiteCodes, codes_of
from ictops.cli.output import as_json, console, from_here, local, styled, table

erase_app = typer.Typer(
    help="Certificates of erased disks; 'ictops plan erase' plans an erase.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(erase_app, name="erase")


@erase_app.command("list")
def list_certificates(
    *, site: SiteCodes = None, cluster: ClusterName = None, json: AsJson = False
) -> None:
    """List the PCs whose disks were to be erased, newest first, and what became of them.

    Example: ictops erase list --site oakfield
    """
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.certificates import Certificates  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    kept = Certificates(journal).kept(settings.cluster, sites=codes_of(site))
    if json:
        as_json(kept)
        return
    shown = table("host", "site", "disks", "ended", "run")
    for one in kept:
        word = styled("erased" if one.erased else "NOT ERASED")
        shown.add_row(one.host, one.site, word, local(one.ended_at), one.run_id or "")
    console().print(shown if kept else "no certificates: no PC was to be erased so far")


@erase_app.command()
def certificate(
    host: Annotated[str, typer.Argument(help="The PC.", autocompletion=complete_host)],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The PDF's file, else HOST.pdf.")
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option("--run", help="Of this run, else the newest.", autocompletion=complete_run),
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Write the certificate of a PC's disks as a PDF: as often as it is wanted, always the same.

    Example: ictops erase certificate oak-pc-07 -o oak-pc-07.pdf
    """
    from ictops.network.whole import write_whole  # noqa: PLC0415
    from ictops.operations.certificate import newest, read  # noqa: PLC0415
    from ictops.operations.certificate_pdf import as_pdf  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    record = newest(journal, settings.cluster, host, run_id)
    found = read(record)
    # The name is the one in the record: a job's host, which cannot lead into another folder.
    path = output or Path(f"{found.host}.pdf")
    write_whole(path, as_pdf(found, record.digest), mode=0o644)
    if json:
        as_json({"file": path, "erased": found.erased, "digest": record.digest, "said": found})
        return
    word = styled("erased" if found.erased else "NOT ERASED")
    console().print(f"{found.host}:", word, f"- written to {from_here(path)}", soft_wrap=True)
