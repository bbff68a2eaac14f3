"""What a configuration has a switch carry: which VLANs on which port, and whether itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ictops.lab.farm import junos_tree
from ictops.lab.farm.config import Lines, below, numbers_of
from ictops.lab.farm.kind import Kind, Paths
from ictops.lab.farm.model import Management

_VLAN = re.compile(r"^vlan ([\d,-]+)$")
_ALL = frozenset(range(1, 4095))
_FIRST = 1
"""The VLAN that every switch has and every port is in unless the configuration says another."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a port carries."""

    untagged: int | None = None
    """The VLAN of frames without a tag; None where such frames are dropped."""
    tagged: frozenset[int] = frozenset()

    def only(self, vlans: frozenset[int]) -> Carried:
        """Give what is left of it where a switch has these VLANs and no others."""
        return Carried(self.untagged if self.untagged in vlans else None, self.tagged & vlans)


NOTHING = Carried()


def created(paths: Paths, lines: Lines) -> frozenset[int]:
    """Give the VLANs that a switch has, without those that are shut down."""
    vlans = {_FIRST}
    for line in lines:
        found = _VLAN.search(line.text)
        if found is not None and not _is_shut_by(paths, line.children):
            vlans |= _vlans(found[1])
    return frozenset(vlans)


def carried(paths: Paths, lines: Lines, port: str) -> Carried:
    """Give what the configuration of a port says that it carries, of whichever VLANs there are."""
    section = below(lines, (paths.port.format(port=port),))
    if section is None or _is_shut(paths, section):
        return NOTHING
    if paths.trunk and not any(re.search(paths.trunk, line.text) for line in section):
        return Carried(_last((paths.access,), section))
    allowed = _listed(paths.carries, section)
    if allowed is None:
        allowed = _ALL if paths.carries_all else frozenset({_FIRST})
    if not paths.native:
        return Carried(None, allowed)
    native = _last((paths.native,), section)
    return Carried(native if native in allowed else None, allowed - {native})


def answers(paths: Paths, vlan: int, lines: Lines, original: Lines) -> bool:
    """Whether the switch itself answers in a VLAN, wherever that is carried.

    :param original: the configuration that it came with; a VLAN that it lists must stay, and
        an address: at any other, the switch would have to be looked for.
    """
    if vlan in created(paths, original) - created(paths, lines):
        return False
    if paths.also and not any(line.text == paths.also.format(vlan=vlan) for line in lines):
        return False
    name = paths.interface.format(vlan=vlan)
    path = (name,) if name else ()
    interface = below(lines, path)
    if interface is None or _is_shut(paths, interface):
        return False
    return bool(_addresses(paths, interface) & _addresses(paths, below(original, path) or ()))


def reachable(kind: Kind, management: Management, lines: Lines, original: Lines) -> bool:
    """Whether a configuration leaves the path by which the switch is managed.

    :param original: as for :func:`answers`.
    """
    if kind.dialect == "junos":
        return junos_tree.reachable(management, lines)
    paths = kind.management
    if paths is None:
        return True
    if not answers(paths, management.vlan, lines, original):
        return False
    uplink = management.uplink
    if uplink is None:
        return True
    if paths.vlan_ports:
        return _lists_port(paths, management.vlan, lines, uplink)
    on_uplink = carried(paths, lines, uplink)
    return management.vlan in on_uplink.tagged | {on_uplink.untagged}


def _lists_port(paths: Paths, vlan: int, lines: Lines, port: str) -> bool:
    """Whether a VLAN's section lists a port that is not shut."""
    section = below(lines, (paths.port.format(port=port),))
    if section is not None and _is_shut(paths, section):
        return False
    listed = below(lines, (f"vlan {vlan}",)) or ()
    return any(port in numbers_of(text) for text in _found(paths.vlan_ports, listed))


def _is_shut(paths: Paths, section: Lines) -> bool:
    if _is_shut_by(paths, section):
        return True
    return bool(paths.open) and not any(re.search(paths.open, line.text) for line in section)


def _is_shut_by(paths: Paths, section: Lines) -> bool:
    return any(re.search(paths.shut, line.text) for line in section)


def _addresses(paths: Paths, section: Lines) -> set[str]:
    return {line.text for line in section if re.search(paths.address, line.text)}


def _last(expressions: tuple[str, ...], section: Lines) -> int:
    """Give the one VLAN that the last such line names; the first of all if there is none."""
    texts = _found(expressions, section)
    return int(texts[-1]) if texts else _FIRST


def _listed(expressions: tuple[str, ...], section: Lines) -> frozenset[int] | None:
    """Give the VLANs that the lines of a section list, or None where there is no such line."""
    texts = _found(expressions, section)
    return frozenset[int]().union(*(_vlans(text) for text in texts)) if texts else None


def _found(expressions: tuple[str, ...], section: Lines) -> list[str]:
    matches = (re.search(one, line.text) for line in section for one in expressions if one)
    return [match["vlans"] for match in matches if match is not None]


def _vlans(text: str) -> frozenset[int]:
    """Give the VLANs of a list such as ``1-3,8``, ``all`` or ``none``."""
    members = numbers_of(text)
    return _ALL if "all" in members else frozenset(int(one) for one in members if one.isdigit())
