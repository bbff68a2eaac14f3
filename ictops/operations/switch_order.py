"""Which switch is how far from its site's core, by what the last backups say of neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from ictops.estate.load import Cluster
from ictops.estate.source import read_source
from ictops.estate.variables import host_variables, values
from ictops.network.described import PLATFORM, ROOT
from ictops.network.kept_topology import kept_topology
from ictops.network.platform import platform_names
from ictops.network.topology import Switch, hops
from ictops.operations.planning import open_cluster
from ictops.operations.switches import archive_of, is_switch
from ictops.settings import Settings


class Order:
    """Gives distances, site by site; what people should know of them is in ``notes``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster: Cluster | None = None
        self.notes: list[str] = []

    def hops(self, site: str) -> dict[str, int]:
        """Give how many links part each switch of a site from its core, where that is known."""
        if self._cluster is None:
            self._cluster = open_cluster(self._settings)
        switches = list(self._switches(self._cluster, site))
        topology = kept_topology(archive_of(self._settings), site, switches)
        found = {name: far for name, far in hops(topology).items() if far is not None}
        if len(switches) > 1:
            said = any(one.root for one in switches)
            self._tell(site, [one.name for one in switches], found, said=said)
        return found

    def _switches(self, cluster: Cluster, site: str) -> Iterator[Switch]:
        source = read_source(cluster.site(site).source)
        for host in filter(is_switch, cluster.hosts(site)):
            said = values(host_variables(cluster.folder, host.name, source))
            platform = str(said.get(PLATFORM) or "")
            if platform in platform_names():  # else the run says what is wrong
                yield Switch(host.name, platform, host.address or "", said.get(ROOT) is True)

    def _tell(self, site: str, switches: list[str], found: dict[str, int], *, said: bool) -> None:
        unknown = [name for name in switches if name not in found]
        if unknown:
            self.notes.append(
                f"site {site}: no neighbour is known of {', '.join(unknown)}; each is changed "
                "alone, before the others. 'ictops switch backup' asks for neighbours"
            )
        cores = [name for name, far in found.items() if far == 0]
        if cores and not said:
            self.notes.append(
                f"site {site}: its core is taken to be {', '.join(cores)}; {ROOT}: true says which"
            )
