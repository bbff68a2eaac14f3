"""Which hosts of a site are changed together: canaries, then shares, then the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.estate.order import natural
from ictops.plans.model import Wave

_SHARE = re.compile(r"([0-9]{1,3})%")
_WHOLE = 100


@dataclass(frozen=True, slots=True)
class CanaryRule:
    """Which hosts go first."""

    by: Literal["group", "room", "named", "none"] = "group"
    """Those in the group ``canaries``, one of each room, those named, or none."""
    names: frozenset[str] = frozenset()


def parse_canary(text: str) -> CanaryRule:
    """Read ``group``, ``room``, ``none`` or host names with commas between them."""
    match text.strip():
        case "group" | "room" | "none" as word:
            return CanaryRule(by=word)
        case names:
            return CanaryRule("named", frozenset(n for n in re.split(r"[\s,]+", names) if n))


def parse_shares(text: str) -> tuple[int, ...]:
    """Read shares such as ``25%,50%``, in per cent.

    As with Ansible's ``serial``, each is a share of the whole, not of what is left.

    :raises PlanError: where one is none, or together they are more than all.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    found = [_SHARE.fullmatch(word) for word in words]
    shares = tuple(int(match[1]) for match in found if match)
    if len(shares) != len(words) or any(not 0 < share <= _WHOLE for share in shares):
        raise PlanError(f"shares are written 25% or 25%,50%, not {text!r}", where="--shares")
    if sum(shares) > _WHOLE:
        raise PlanError(f"the shares {text} are more than 100% together", where="--shares")
    return shares


def lay_waves(hosts: Iterable[Host], canary: CanaryRule, shares: Sequence[int]) -> list[Wave]:
    """Lay the hosts of one site out in waves; each host is in exactly one, no wave is empty.

    Shares are of the hosts that are no canaries, rounded up. Within a wave rooms take turns,
    so that the room limit holds nobody up and no room is changed wholly before the others
    have shown that the change is good. The same hosts always give the same waves.
    """
    by_name = sorted(hosts, key=lambda host: natural(host.name))
    first = _canaries(by_name, canary)
    rest = _room_by_room(host for host in by_name if host.name not in first)
    waves = [("canary", [host.name for host in by_name if host.name in first])]
    at, total = 0, len(rest)
    reached = 0
    for share in shares:
        reached += share
        end = min(total, math.ceil(total * reached / _WHOLE))
        waves.append((f"share {share}%", rest[at:end]))
        at = end
    waves.append(("rest", rest[at:]))
    return [Wave(name=name, hosts=names) for name, names in waves if names]


def lay_by_distance(
    hosts: Iterable[Host], canary: CanaryRule, hops: Mapping[str, int]
) -> list[Wave]:
    """Lay a site's switches out in waves, those furthest from its core first.

    A switch that is cut off then takes none with it that is still to be changed. Where nobody
    said which is the canary, it is one of those furthest out. Those whose place is unknown come
    before all others, each alone: any of them may be on the path to the next.

    :param hops: how far each is from the core, where that is known.
    """
    by_name = sorted(hosts, key=lambda host: natural(host.name))
    known = sorted({hops[host.name] for host in by_name if host.name in hops}, reverse=True)
    layers = [
        *((f"{host.name} alone", [host.name]) for host in by_name if host.name not in hops),
        *((_hops_away(n), [h.name for h in by_name if hops.get(h.name) == n]) for n in known),
    ]
    first = _canaries(by_name, canary)
    if canary.by == "group" and not first and layers and len(layers[0][1]) > 1:
        first = {layers[0][1][0]}
    waves = [("canary", [host.name for host in by_name if host.name in first])]
    waves += [(name, [one for one in names if one not in first]) for name, names in layers]
    return [Wave(name=name, hosts=names) for name, names in waves if names]


def _hops_away(number: int) -> str:
    return {0: "core", 1: "1 hop away"}.get(number, f"{number} hops away")


def _canaries(hosts: Sequence[Host], rule: CanaryRule) -> set[str]:
    match rule.by:
        case "none":
            return set()
        case "named":
            return {host.name for host in hosts if host.name in rule.names}
        case "group":
            return {host.name for host in hosts if host.canary}
        case "room":
            firsts: dict[str, str] = {}
            for host in hosts:
                if host.room:
                    firsts.setdefault(host.room, host.name)
            return set(firsts.values())


def _room_by_room(hosts: Iterable[Host]) -> list[str]:
    rooms: dict[str, list[str]] = {}
    for host in hosts:
        rooms.setdefault(host.room or "", []).append(host.name)
    turns = zip_longest(*(rooms[room] for room in sorted(rooms, key=natural)))
    return [name for name in chain.from_iterable(turns) if name is not None]
