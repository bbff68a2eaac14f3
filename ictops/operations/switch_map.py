"""What is connected to what: switches are surveyed, and a site's network is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ictops.errors import SwitchError
from ictops.network.drawing import dot_of, svg_of
from ictops.network.ports import Port
from ictops.network.survey import Survey, Surveys
from ictops.network.topology import Switch, Topology, hops, topology_of
from ictops.network.whole import write_whole
from ictops.operations.at_once import begin_reading
from ictops.operations.planning import Work, open_cluster
from ictops.operations.switches import is_switch
from ictops.settings import Settings
from ictops.store.journal import Journal

PLAYBOOK = "switch_survey.yml"
READS_ONLY = "a survey changes nothing on a switch"


def surveys_of(settings: Settings) -> Surveys:
    """Give the surveys of the cluster's switches."""
    return Surveys(settings.resolve(settings.state_dir) / "surveys" / settings.cluster)


def begin_survey(
    journal: Journal, settings: Settings, *, sites: tuple[str, ...] = (), limit: str | None = None
) -> str:
    """Write a run down that surveys these switches, all sites side by side, and give its id.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :raises PlanError: if there is no such switch.
    """
    work = Work(
        operation="switch-survey",
        title="survey of switches",
        playbook=PLAYBOOK,
        extra_vars={"switch_survey_folder": str(surveys_of(settings).folder)},
        takes=is_switch,
        only_for="switches",
    )
    return begin_reading(journal, settings, work, sites, limit, READS_ONLY)


@dataclass(frozen=True, slots=True)
class Connected:
    """A port, and what is heard there.

    :ivar state: of the port, but ``free`` where nothing is connected and nothing ought to be.
    :ivar there: names of what is heard, a switch's or another thing's.
    """

    switch: str
    port: str
    state: str
    vlan: str
    speed: int | None
    description: str
    there: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteMap:
    """A site's network.

    :ivar at: when its switches were asked, in the site's zone.
    :ivar distances: links between each switch and the root.
    :ivar ports: those of the switches that answered.
    """

    site: str
    name: str
    at: datetime
    topology: Topology
    roots: tuple[str, ...]
    distances: Mapping[str, int | None]
    ports: tuple[Connected, ...]


def map_of(settings: Settings, site: str, *, since: datetime) -> SiteMap:
    """Lay a site's network out from the surveys that were made since then.

    :raises InventoryError: if there is no such site.
    :raises SwitchError: if a survey cannot be read.
    """
    cluster = open_cluster(settings)
    known = cluster.site(site)
    kept = surveys_of(settings).of(site)
    switches, answered = [], dict[str, Survey]()
    for host in filter(is_switch, cluster.hosts(site)):
        last = kept.get(host.name)
        switches.append(last.switch if last else Switch(host.name, "", host.address or ""))
        if last and last.at >= since and not last.fault:
            answered[host.name] = last
    topology = topology_of(switches, {name: one.neighbours for name, one in answered.items()})
    return SiteMap(
        site=site,
        name=known.name,
        at=since.astimezone(ZoneInfo(known.timezone)),
        topology=topology,
        roots=tuple(topology.roots()),
        distances=hops(topology),
        ports=tuple(_connected(topology, answered)),
    )


def draw(drawn: SiteMap, path: Path) -> None:
    """Write the picture of a site's network as SVG.

    :raises SwitchError: if it cannot be drawn or written.
    """
    picture = svg_of(dot_of(drawn.topology, drawn.name, drawn.at))
    try:
        write_whole(path, picture, mode=0o644)
    except OSError as error:
        raise SwitchError(
            f"the map cannot be written: {error.strerror}", where=str(path)
        ) from error


def _connected(topology: Topology, answered: Mapping[str, Survey]) -> list[Connected]:
    there: dict[tuple[str, str], list[str]] = {}
    for link in topology.links:
        there.setdefault((link.one, link.one_port), []).append(link.other)
        there.setdefault((link.other, link.other_port), []).append(link.one)
    for leaf in topology.leaves:
        for place in leaf.places:
            there.setdefault((place.switch, place.port), []).append(leaf.name)
    found = []
    for name, survey in answered.items():
        ports = list(survey.ports)
        shown = {port.name for port in ports}
        # A switch that does not show its ports still hears what is there
        ports += [
            Port(port, "up") for switch, port in there if switch == name and port not in shown
        ]
        for port in ports:
            heard = tuple(there.get((name, port.name), ()))
            state = "free" if port.free and not heard else port.state
            found.append(
                Connected(name, port.name, state, port.vlan, port.speed, port.description, heard)
            )
    return found
