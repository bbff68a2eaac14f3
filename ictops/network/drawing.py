"""A picture of a site's network, drawn by Graphviz.

Whatever a device calls itself is text in it: never markup, a link, or anything that acts.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import graphviz

from ictops.errors import SwitchError
from ictops.estate.order import natural
from ictops.network.platform import load_platform, platform_names
from ictops.network.topology import Leaf, Link, Switch, Topology, hops

LONGEST = 60
"""Characters of a line in the picture; what is longer is cut."""
NAMED = 12
"""Rows of the box with what is beside a switch; the table of ports has them all."""

_OTHERS = "others"
_STEERING = re.compile(r"[\\{}|<>\[\]]")
_SHORT_PORT = re.compile(r"^(Twe|[A-Z][a-z])[A-Za-z-]{5,}(?=\d)|^(et)hernet(?=\d)")
_BLUE, _GREY, _RED, _INK = "#1f5a96", "#8a8f98", "#c0392b", "#2b2f36"


def dot_of(topology: Topology, title: str, at: datetime) -> str:
    """Give the picture as DOT: the root at the left, each switch right of what it hangs on.

    :param at: when the switches were asked, in the zone in which it is to be shown.
    """
    drawn = graphviz.Graph("network")
    heading = (title, f"{at:%d %b %Y, %H:%M %Z}", _counted(topology))
    drawn.attr(
        "graph", label=graphviz.nohtml("\\n".join(map(_text, heading))),
        labelloc="t", fontname="Helvetica", fontsize="18", fontcolor=_INK, bgcolor="white",
        rankdir="LR", nodesep="0.22", ranksep="1.3", pad="0.4",
    )  # fmt: skip
    drawn.attr("node", fontname="Helvetica", fontsize="11", fontcolor=_INK)
    drawn.attr("edge", penwidth="1.5", color=_BLUE)
    far = hops(topology)
    cables = [_Cable.of(link, far) for link in topology.links if link.one != link.other]
    beside, shared = _leaves(topology)
    sides = _Sides(topology.switches)
    for cable in cables:
        sides.right(cable.upper, cable.upper_port)
        sides.left(cable.lower, cable.lower_port)
    for leaf in shared:
        for place in leaf.places:
            sides.right(place.switch, place.port)
    roots = topology.roots()
    for one in topology.switches:
        _switch(
            drawn,
            one,
            sides,
            topology,
            first=one.name in roots,
            others=len(beside.get(one.name, ())),
        )
    for cable in cables:
        _cable(drawn, cable, sides)
    _things(drawn, beside, shared, sides)
    return str(drawn.source)


def need_graphviz() -> None:
    """Look whether pictures can be drawn here.

    :raises SwitchError: if Graphviz is not there.
    """
    if shutil.which("dot") is None:
        raise SwitchError(
            "the program 'dot' is not here, which draws the picture",
            do="Install Graphviz: apt install graphviz",
        )


def svg_of(dot: str) -> bytes:
    """Draw a picture.

    :raises SwitchError: if Graphviz is not there, or cannot draw it.
    """
    need_graphviz()
    try:
        return bytes(graphviz.Source(dot).pipe(format="svg", quiet=True))
    except graphviz.CalledProcessError as error:
        raise SwitchError(f"Graphviz cannot draw it, it ended with {error.returncode}") from error


@dataclass(frozen=True, slots=True)
class _Cable:
    """A link as it is drawn: from the end that is nearer to the root, or else by name."""

    upper: str
    upper_port: str
    lower: str
    lower_port: str
    both: bool

    @classmethod
    def of(cls, link: Link, far: Mapping[str, int | None]) -> _Cable:
        one, other = (link.one, link.one_port), (link.other, link.other_port)
        one, other = sorted((one, other), key=lambda end: (*_distance(far, end[0]), end[0]))
        return cls(*one, *other, both=link.both)


def _distance(far: Mapping[str, int | None], switch: str) -> tuple[bool, int]:
    """Give what sorts switches by their distance, those that cannot be reached last."""
    return far[switch] is None, far[switch] or 0


class _Sides:
    """The ports that are drawn at the left and at the right of each switch."""

    def __init__(self, switches: Iterable[Switch]) -> None:
        self._ids = {switch.name: f"s{number}" for number, switch in enumerate(switches)}
        self._ports: dict[str, dict[str, str]] = {name: {} for name in self._ids}

    def left(self, switch: str, port: str) -> None:
        self._ports[switch].setdefault(port, "w")

    def right(self, switch: str, port: str) -> None:
        self._ports[switch].setdefault(port, "e")

    def node(self, switch: str) -> str:
        """Give the id of a switch."""
        return self._ids[switch]

    def end(self, switch: str, port: str) -> str:
        """Give the end of an edge: the switch, its port, and the side at which that is."""
        ports = self._ports[switch]
        return f"{self._ids[switch]}:p{list(ports).index(port)}:{ports[port]}"

    def cells(self, switch: str, side: str) -> str:
        """Give the ports of a side, the smallest first, as a part of a record's label."""
        ports = self._ports[switch]
        numbers = {port: number for number, port in enumerate(ports)}
        some = sorted((port for port in ports if ports[port] == side), key=natural)
        return "|".join(f"<p{numbers[port]}> {_text(short(port), 18)}" for port in some)


def _switch(
    drawn: graphviz.Graph,
    switch: Switch,
    sides: _Sides,
    topology: Topology,
    *,
    first: bool,
    others: int,
) -> None:
    lines = [switch.name, _title(switch.platform), switch.address]
    look = {"color": _BLUE, "fillcolor": "#edf3fa", "style": "rounded,filled", "penwidth": "1"}
    lines += [
        f"joined to itself: {short(link.one_port)} and {short(link.other_port)}"
        for link in topology.links
        if link.one == link.other == switch.name
    ]
    if switch.name in topology.silent:
        lines.append("did not answer")
        look |= {"color": _RED, "fontcolor": _RED, "fillcolor": "white", "penwidth": "1.8"}
        look["style"] = "rounded,filled,dashed"
    elif first:
        look |= {"fillcolor": "#cfe2f7", "penwidth": "2.2"}
    middle = "\\n".join(_text(line) for line in lines if line)
    # Each brace turns the direction: ports stand one above the other, left and right of the name
    left, right = (sides.cells(switch.name, side) for side in "we")
    if others:
        right = "|".join(filter(None, (right, f"<{_OTHERS}> +{others}")))
    parts = "|".join(
        one for one in (left and f"{{{left}}}", middle, right and f"{{{right}}}") if one
    )
    drawn.node(sides.node(switch.name), f"{{{parts}}}", shape="record", **look)


def _title(platform: str) -> str:
    return load_platform(platform).title if platform in platform_names() else platform


def _cable(drawn: graphviz.Graph, cable: _Cable, sides: _Sides) -> None:
    drawn.edge(
        sides.end(cable.upper, cable.upper_port), sides.end(cable.lower, cable.lower_port),
        style="solid" if cable.both else "dashed",
    )  # fmt: skip


def _leaves(topology: Topology) -> tuple[dict[str, list[Leaf]], list[Leaf]]:
    """Give what is beside one switch only, by switch, and what is beside several."""
    beside: dict[str, list[Leaf]] = {}
    shared = []
    for leaf in topology.leaves:
        if len(leaf.places) == 1:
            beside.setdefault(leaf.places[0].switch, []).append(leaf)
        else:
            shared.append(leaf)
    return beside, shared


def _things(
    drawn: graphviz.Graph, beside: Mapping[str, list[Leaf]], shared: list[Leaf], sides: _Sides
) -> None:
    """Draw what is no switch in grey; what is beside one switch only is one box."""
    look = {"shape": "record", "style": "filled", "fillcolor": "#f4f4f5", "color": _GREY}
    look |= {"fontsize": "9", "height": "0.2"}
    line = {"color": _GREY, "penwidth": "1"}
    for switch, leaves in beside.items():
        rows = [
            f"{_text(short(leaf.places[0].port), 18)}: {_text(leaf.name)}"
            for leaf in sorted(leaves, key=lambda leaf: natural(leaf.places[0].port))
        ]
        if len(rows) > NAMED:
            rows[NAMED - 1 :] = [f"and {len(rows) - NAMED + 1} more"]
        node = f"g{sides.node(switch)}"
        drawn.node(node, "".join(f"{row}\\l" for row in rows), **look)
        drawn.edge(f"{sides.node(switch)}:{_OTHERS}:e", f"{node}:w", **line)
    for number, leaf in enumerate(shared):
        rows = [_text(part) for part in (leaf.name, leaf.address) if part]
        drawn.node(f"l{number}", "\\n".join(rows), **look)
        for place in leaf.places:
            drawn.edge(sides.end(place.switch, place.port), f"l{number}:w", **line)


def _counted(topology: Topology) -> str:
    silent = len(topology.silent)
    switches, links = len(topology.switches), len(topology.links)
    said = f"{switches} switch{'es' * (switches != 1)}, {links} link{'s' * (links != 1)}"
    return f"{said}, {silent} did not answer" if silent else said


def _text(said: str, longest: int = LONGEST) -> str:
    r"""Give a text that Graphviz takes for nothing but text.

    It knows ``&#10;`` and ``\N``, and in records braces, bars and angles.
    """
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return _STEERING.sub(r"\\\g<0>", shown.replace("&", "&amp;"))


def short(port: str) -> str:
    """Give a port's name as a picture or a table has room for it: Gi1/0/1."""
    return _SHORT_PORT.sub(lambda found: found[1] or found[2], port)
