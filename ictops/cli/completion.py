"""What the shell offers when TAB is pressed: clusters, and their sites and hosts.

Where the inventory is broken nothing is offered: the next command says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ictops.errors import IctopsError

if TYPE_CHECKING:
    from ictops.estate.load import Cluster


def complete_site(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Give the sites whose code begins like this, with their names."""
    try:
        sites = _cluster(ctx).sites.values()
    except IctopsError:
        return []
    return [(site.code, site.name) for site in sites if site.code.startswith(incomplete)]


def complete_host(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Give the hosts whose name begins like this, with their site."""
    try:
        cluster = _cluster(ctx)
    except IctopsError:
        return []
    hosts = cluster.all_hosts()
    return [(host.name, host.site) for host in hosts if host.name.startswith(incomplete)]


def complete_cluster(incomplete: str) -> list[str]:
    """Give the clusters whose name begins like this."""
    from ictops.settings import load_settings  # noqa: PLC0415

    try:
        folder = load_settings().cluster_dir.parent
    except IctopsError:
        return []
    names = sorted(path.name for path in folder.glob("*") if path.is_dir())
    return [name for name in names if name.startswith(incomplete)]


def _cluster(ctx: typer.Context) -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(ctx.params.get("cluster"))
    return load_cluster(settings.cluster_dir, settings.cache_dir)
