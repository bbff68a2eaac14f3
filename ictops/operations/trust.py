"""Pinning a site's SSH host keys: ask, show, and record what a person confirmed."""

from __future__ import annotations

from collections.abc import Collection

from ictops.errors import TrustError
from ictops.estate.load import load_cluster
from ictops.settings import Settings
from ictops.trust.known_hosts import KnownHosts, address_of, known_hosts_path, pin_keys
from ictops.trust.scan import Finding, Target, scan


def scan_site(settings: Settings, code: str, hosts: Collection[str] = ()) -> list[Finding]:
    """Ask the hosts of a site that are reached by SSH for their keys.

    :param hosts: names; all of the site's if empty.
    :raises InventoryError: if there is no such site.
    :raises TrustError: if one of ``hosts`` is not at the site.
    """
    cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
    there = {h.name: h for h in cluster.hosts(cluster.site(code).code) if h.system != "windows"}
    unknown = sorted(set(hosts) - set(there))
    if unknown:
        raise TrustError(
            f"no host that is reached by SSH has this name here: {', '.join(unknown)}",
            where=code,
            do=f"'ictops site show {code}' lists them",
        )
    targets = [
        Target(h.name, h.address or h.name, h.port)
        for h in there.values()
        if not hosts or h.name in hosts
    ]
    return scan(targets, KnownHosts(known_hosts_path(settings.cluster_dir, code)))


def pin(settings: Settings, code: str, findings: Collection[Finding]) -> None:
    """Record the keys of these findings, each in the place of what was pinned for its host."""
    keys = {
        address_of(finding.target.address, finding.target.port): {key.line for key in finding.keys}
        for finding in findings
    }
    pin_keys(known_hosts_path(settings.cluster_dir, code), keys)
