"""How a site's switches hang together, by what their last backups say of neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from ictops.network.archive import Archive
from ictops.network.backup import NEIGHBOURS
from ictops.network.neighbours import neighbours_of
from ictops.network.platform import load_platform
from ictops.network.topology import Switch, Topology, topology_of


def kept_topology(archive: Archive, site: str, switches: Sequence[Switch]) -> Topology:
    """Give the topology of a site; of a switch that was never backed up nothing is heard.

    :raises SwitchError: if one is of a platform that there is not.
    """
    heard = {
        one.name: neighbours_of(load_platform(one.platform), text)
        for one in switches
        if (text := archive.kept(site, one.name).get(NEIGHBOURS))
    }
    return topology_of(switches, heard)
