"""Which switch is how far from its site's core, by what the last backups say of neighbours."""

from __future__ import annotations

from ictops.errors import SwitchError
from ictops.estate.load import Cluster
from ictops.estate.models import Host
from ictops.estate.source import read_source
from ictops.estate.variables import host_variables, values
from ictops.network.backup import NEIGHBOURS
from ictops.network.described import PLATFORM
from ictops.network.neighbours import Neighbour, neighbours_of
from ictops.network.platform import load_platform
from ictops.network.topology import Switch, hops, topology_of
from ictops.operations.planning import open_cluster
from ictops.operations.switches import archive_of, is_switch
from ictops.settings import Settings

ROOT = "switch_root"
"""A switch's own variable: the site's network begins here."""


class Order:
    """Gives distances, site by site; what people should know of them is in ``notes``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster: Cluster | None = None
        self._archive = archive_of(settings)
        self.notes: list[str] = []

    def hops(self, site: str) -> dict[str, int]:
        """Give how many links part each switch of a site from its core, where that is known."""
        if self._cluster is None:
            self._cluster = open_cluster(self._settings)
        switches, heard = [], {}
        source = read_source(self._cluster.site(site).source)
        for host in filter(is_switch, self._cluster.hosts(site)):
            said = values(host_variables(self._cluster.folder, host.name, source))
            platform = str(said.get(PLATFORM) or "")
            switches.append(Switch(host.name, platform, host.address or "", said.get(ROOT) is True))
            neighbours = self._heard(host, platform)
            if neighbours:
                heard[host.name] = neighbours
        topology = topology_of(switches, heard)
        found = {name: far for name, far in hops(topology).items() if far is not None}
        if len(switches) > 1:
            self._tell(site, [one.name for one in switches], found)
        return found

    def _heard(self, host: Host, platform: str) -> list[Neighbour]:
        text = self._archive.kept(host.site, host.name).get(NEIGHBOURS, "")
        try:
            return neighbours_of(load_platform(platform), text)
        except SwitchError:  # the run says that there is no such platform
            self.notes.append(f"{host.name}: there is no platform {platform!r}")
            return []

    def _tell(self, site: str, switches: list[str], found: dict[str, int]) -> None:
        unknown = [name for name in switches if name not in found]
        if unknown:
            self.notes.append(
                f"site {site}: no neighbour is known of {', '.join(unknown)}; each is changed "
                "alone, before the others. 'ictops switch backup' asks for neighbours"
            )
        cores = [name for name, far in found.items() if far == 0]
        if cores:
            self.notes.append(f"site {site}: its core is taken to be {', '.join(cores)}")
