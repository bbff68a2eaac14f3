"""``ictops site``: the schools of the cluster."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_site
from ictops.cli.output import as_json, console, table

if TYPE_CHECKING:
    from ictops.estate.load import Cluster

site_app = typer.Typer(help="Look at the schools of the cluster.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="If not the default one.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(site_app, name="site")


def _cluster(name: str | None) -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(name)
    return load_cluster(settings.cluster_dir, settings.cache_dir)


@site_app.command("list")
def list_sites(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """List the schools.

    Example: ictops site list
    """
    loaded = _cluster(cluster)
    if json:
        keys = ("code", "name", "phase", "calendar", "timezone", "host_count")
        as_json([{key: getattr(site, key) for key in keys} for site in loaded.sites.values()])
        return
    shown = table("site", "school", "phase", "calendar", "hosts")
    for site in loaded.sites.values():
        shown.add_row(site.code, site.name, site.phase, site.calendar, str(site.host_count))
    console().print(shown)


@site_app.command()
def show(
    code: Annotated[str, typer.Argument(help="The site's code.", autocompletion=complete_site)],
    *,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show a school: its rooms, hosts and calendar.

    Example: ictops site show oakfield
    """
    loaded = _cluster(cluster)
    site = loaded.site(code)
    hosts = loaded.hosts(code)
    if json:
        as_json({"site": site, "hosts": hosts})
        return
    kinds = Counter(host.kind or "of no kind" for host in hosts)
    out = console()
    out.print(f"{site.name} ({site.code}), {site.phase}")
    out.print(f"calendar {site.calendar}, {site.timezone}, {site.source}")
    out.print(", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())))
    shown = table("host", "kind", "room", "address", "mac", "")
    for host in hosts:
        note = "canary" if host.canary else ""
        cells = (host.kind, host.room, host.address, host.mac)
        shown.add_row(host.name, *(cell or "" for cell in cells), note)
    out.print(shown)
