"""How the switches of a site hang together, from what each hears of its neighbours."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ictops.estate.order import natural
from ictops.network.neighbours import Neighbour
from ictops.network.platform import load_platform, platform_names

_PLATFORMS = frozenset(platform_names())


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of the inventory.

    :ivar name: its name there.
    :ivar platform: the platform's name; empty where it is not known.
    :ivar address: where it is reached; other switches may hear of it by that.
    :ivar root: whether the inventory says that the site's network begins here.
    """

    name: str
    platform: str
    address: str = ""
    root: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two switches; both ends may be on one.

    :ivar one: the end whose name comes first.
    :ivar both: whether each of the two hears the other there.
    """

    one: str
    one_port: str
    other: str
    other_port: str
    both: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is heard: a port of a switch, and what it calls its own."""

    switch: str
    port: str
    its_port: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is no switch of the site: an access point, a phone, a router, a stranger."""

    name: str
    address: str
    description: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """The network of a site, in the order of names.

    :ivar silent: switches of which nothing was heard by asking them.
    """

    switches: tuple[Switch, ...]
    links: tuple[Link, ...]
    leaves: tuple[Leaf, ...]
    silent: tuple[str, ...]

    def roots(self) -> list[str]:
        """Give where the network begins: what the inventory says, else where most links meet."""
        said = [one.name for one in self.switches if one.root]
        if said or not self.switches:
            return said
        count = dict.fromkeys((one.name for one in self.switches), 0)
        for link in self.links:
            if link.one != link.other:
                count[link.one] += 1
                count[link.other] += 1
        return [min(count, key=lambda name: (-count[name], name))]


def hops(topology: Topology) -> dict[str, int | None]:
    """Give each switch's distance from the root in links; None where no link leads there.

    The furthest first is the order in which a change cannot cut off those that are still to
    come.
    """
    beside: dict[str, list[str]] = {one.name: [] for one in topology.switches}
    for link in topology.links:
        beside[link.one].append(link.other)
        beside[link.other].append(link.one)
    found: dict[str, int | None] = dict.fromkeys(beside)
    waiting = deque((name, 0) for name in topology.roots())
    while waiting:
        name, far = waiting.popleft()
        if found[name] is None:
            found[name] = far
            waiting.extend((other, far + 1) for other in beside[name])
    return found


def uplinks(topology: Topology) -> dict[str, frozenset[str]]:
    """Give the ports by which each switch is joined to one that is nearer to the root."""
    far = hops(topology)
    found: dict[str, set[str]] = {one.name: set() for one in topology.switches}
    for link in topology.links:
        for name, port, other in (
            (link.one, link.one_port, link.other),
            (link.other, link.other_port, link.one),
        ):
            here, there = far[name], far[other]
            if here is not None and there is not None and there < here:
                found[name].add(port)
    return {name: frozenset(ports) for name, ports in found.items()}


def topology_of(switches: Iterable[Switch], heard: Mapping[str, Sequence[Neighbour]]) -> Topology:
    """Give how switches hang together.

    A neighbour is one of them if it has its name, with a domain or not and in any case, or
    else its address.

    :param heard: by name, what each switch hears; one that did not answer is not in it.
    """
    known = _Known(switches)
    halves: dict[tuple[str, str], list[tuple[str, str]]] = {}
    leaves: dict[str, list[tuple[Place, Neighbour]]] = {}
    for switch in known.switches:
        for one in heard.get(switch.name, ()):
            other = known.find(one)
            if other is None:
                place = Place(switch.name, one.port, one.its_port)
                leaves.setdefault(one.name.casefold(), []).append((place, one))
            else:
                its_port = _port_name(other.platform, one.its_port)
                halves.setdefault((switch.name, other.name), []).append((one.port, its_port))
    links = {
        link
        for one, other in sorted({(min(pair), max(pair)) for pair in halves})
        for link in _links(one, other, halves)
    }
    return Topology(
        switches=known.switches,
        links=tuple(sorted(links, key=lambda x: (x.one, x.other, natural(x.one_port)))),
        leaves=tuple(_leaf(found) for _, found in sorted(leaves.items())),
        silent=tuple(one.name for one in known.switches if one.name not in heard),
    )


def _port_name(platform: str, said: str) -> str:
    """Give a port's name as the other end's configuration has it, if its platform is known."""
    return load_platform(platform).reads.port_name(said) if platform in _PLATFORMS else said


class _Known:
    """Finds a switch by what its neighbours hear of it."""

    def __init__(self, switches: Iterable[Switch]) -> None:
        self.switches = tuple(sorted(switches, key=lambda one: one.name))
        self._names = _unique((one.name.casefold(), one) for one in self.switches)
        self._short = _unique((_short(one.name), one) for one in self.switches)
        self._addresses = _unique((one.address, one) for one in self.switches if one.address)

    def find(self, heard: Neighbour) -> Switch | None:
        name = heard.name.casefold()
        return (
            self._names.get(name)
            or self._short.get(_short(name))
            or (self._addresses.get(heard.address) if heard.address else None)
        )


def _unique(found: Iterable[tuple[str, Switch]]) -> dict[str, Switch]:
    """Give what one key stands for; one that stands for two says nothing."""
    by: dict[str, list[Switch]] = {}
    for key, switch in found:
        by.setdefault(key, []).append(switch)
    return {key: switches[0] for key, switches in by.items() if len(switches) == 1}


def _short(name: str) -> str:
    return name.casefold().partition(".")[0]


def _links(
    one: str, other: str, halves: Mapping[tuple[str, str], list[tuple[str, str]]]
) -> Iterable[Link]:
    """Give each cable between two switches once, though both ends tell of it."""
    here = list(dict.fromkeys(halves.get((one, other), [])))
    if one == other:
        for first, second in sorted({(min(pair), max(pair)) for pair in here}):
            yield Link(one, first, one, second)
        return
    # As (port of one, port of other) from either side
    there = [(said, port) for port, said in dict.fromkeys(halves.get((other, one), []))]
    agreements = (
        lambda a, b: a == b,
        # One of them tells its port by a number or a MAC address
        lambda a, b: a[0] == b[0] or a[1] == b[1],
        lambda _a, _b: len(here) == len(there) == 1,
    )
    for agree in agreements:
        for half in list(here):
            match = next((back for back in there if agree(half, back)), None)
            if match is not None:
                here.remove(half)
                there.remove(match)
                yield Link(one, half[0], other, match[1])
    for half in (*here, *there):
        yield Link(one, half[0], other, half[1], both=False)


def _leaf(found: list[tuple[Place, Neighbour]]) -> Leaf:
    heard = [one for _, one in found]
    return Leaf(
        name=heard[0].name,
        address=next((one.address for one in heard if one.address), ""),
        description=next((one.description for one in heard if one.description), ""),
        places=tuple(place for place, _ in found),
    )
