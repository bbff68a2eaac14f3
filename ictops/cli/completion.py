"""What the shell offers when TAB is pressed: sites and hosts of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ictops.estate.load import Cluster


def _cluster() -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    return load_cluster(settings.cluster_dir, settings.cache_dir)


def complete_site(incomplete: str) -> list[tuple[str, str]]:
    """Give the sites whose code begins like this, with their names."""
    sites = _cluster().sites.values()
    return [(site.code, site.name) for site in sites if site.code.startswith(incomplete)]


def complete_host(incomplete: str) -> list[tuple[str, str]]:
    """Give the hosts whose name begins like this, with their site."""
    hosts = _cluster().all_hosts()
    return [(host.name, host.site) for host in hosts if host.name.startswith(incomplete)]
