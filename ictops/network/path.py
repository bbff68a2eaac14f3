"""Which commands touch the path by which ictops reaches a switch.

The path is the interface with the address, its VLAN, the ports towards ictops, the default
gateway, and what lets ictops log in: access lists, AAA, users, SSH. One more VLAN, tagged, on an
uplink is no touch, for it takes nothing away; whatever else is done to an uplink is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from hier_config import HConfig, HConfigChild

from ictops.network.declared import compiled, first_match
from ictops.network.difference import Command
from ictops.network.members import members_in, numbers_of
from ictops.network.platform import Platform
from ictops.network.tree import CONFIGURE, tree_of

_VERBS = re.compile(r"(?:no|default|delete|deactivate|activate|set|protect|unprotect|rename) ")
_TAKES = re.compile(r"(?:no|default|delete|deactivate|rename) |\S.* (?:remove|disable) \[")
_NETWORK = re.compile(r"(?<![\w.:])(\d+(?:\.\d+){3})(?:/| +)(\d+(?:\.\d+){3}|\d{1,2})(?![\w.])")
_PORT = re.compile(r"\s*([a-z-]*?)[\s-]*(\d.*)")


def touched(
    platform: Platform,
    running: Sequence[str],
    commands: Sequence[Command],
    *,
    address: str,
    uplinks: Collection[str],
) -> list[str]:
    """Tell which of some commands touch the path by which ictops reaches the switch.

    :param running: the normalised lines of the running configuration.
    :param address: the address by which ictops reaches it. If no interface has it, each that
        may be the management's counts as it.
    :param uplinks: the ports towards ictops, by name, short or long. If none is known that the
        switch has, each port counts that is a trunk or carries the VLAN of the management.
    :returns: for people, one for each such command: what it is, masked, and what it touches.
    """
    path = _Path(platform, tree_of(platform, running), address, uplinks)
    told = []
    for number, command in enumerate(commands):
        following = commands[number + 1].within if number + 1 < len(commands) else ()
        opens = following[: len(command.within) + 1] == (*command.within, command.text)
        why = None if opens else path.why(command)
        if why is not None:
            told.append(f"`{command.shown.strip()}`: {why}")
    return told


@dataclass(frozen=True, slots=True)
class _Order:
    """What a command does: to which line, in which block, and whether it takes it away."""

    text: str
    within: tuple[str, ...]
    takes: bool

    @property
    def margin(self) -> str:
        """The line at the margin that it is or is in."""
        return self.within[0] if self.within else self.text


class _Path:
    def __init__(
        self, platform: Platform, tree: HConfig, address: str, uplinks: Collection[str]
    ) -> None:
        self._rules = platform.rules
        self._reach = platform.path
        self._tree = tree
        self._lines = [line.text for line in tree.children]
        self._words = {"address": re.escape(address)}
        self._address = re.compile(rf"(?<![\w.:]){re.escape(address)}(?![\w.:])")
        self._ip = _ip(address)
        self._interfaces: set[str] = set()
        self._vlans: set[str] | None = None
        """None where it is not known."""
        self._find_interface()
        self._lists = {
            found["name"]
            for line in tree.all_children()
            if (found := first_match(self._reach.uses, line.text)) is not None
        }
        self._uplinks = self._with_bundles(self._known(uplinks) or set(self._carriers()))

    def why(self, command: Command) -> str | None:
        """Say what of the path a command touches; None where it touches nothing."""
        return next(filter(None, map(self._why, self._orders(command))), None)

    def _orders(self, command: Command) -> Iterator[_Order]:
        within = tuple(line for line in command.within if line != CONFIGURE)
        takes = _TAKES.match(command.text) is not None
        if self._rules.dialect == "routeros":
            yield _Order(command.text, within, takes)
            return
        text = _VERBS.sub("", command.text, count=1) if _VERBS.match(command.text) else command.text
        if self._rules.dialect != "junos":
            if self._block(within).get(command.text) is None:  # else it is so already
                yield _Order(text, within, takes)
            return
        statement = f"set {text}"
        yield _Order(statement, (), takes)
        if takes:  # whatever is below it goes as well
            for line in self._lines:
                if line.startswith(f"{statement} "):
                    yield _Order(line, (), takes)

    def _block(self, within: Sequence[str]) -> dict[str, HConfigChild]:
        block: HConfig | HConfigChild = self._tree
        for text in within:
            found = block.children.get(text)
            if found is None:
                return {}
            block = found
        return {line.text: line for line in block.children}

    def _why(self, order: _Order) -> str | None:
        reach = self._reach
        for expressions, what in (
            (reach.gateway, "the default gateway"),
            (reach.login, "who may log in"),
            (reach.ssh, "the way in"),
        ):
            if first_match(expressions, order.margin) is not None:
                return what
        lists = (one for name in self._lists for one in _filled(reach.lists, {"name": name}))
        if first_match(tuple(lists), order.margin) is not None:
            return "an access list of the management"
        if self._is_of_vlan(order):
            return "the management VLAN"
        if self._is_of_interface(order):
            return "the management interface"
        if self._is_of_uplink(order):
            return "an uplink"
        return "the management's address" if self._is_of_address(order) else None

    def _is_of_address(self, order: _Order) -> bool:
        """Whether it gives the address, or one of its network, to another interface, or uses it."""
        if first_match(self._reach.harmless, order.text) is not None:
            return False
        if self._address.search(order.text):
            return True
        own = self._ip
        if own is None or first_match(self._reach.interface, order.margin) is None:
            return False
        return any(own in network for network in _networks(order.text))

    def _is_of_interface(self, order: _Order) -> bool:
        if first_match(self._reach.harmless, order.text) is not None:
            return False
        if order.margin in self._interfaces:
            return not self._only_adds(order)
        words = self._words
        return first_match(_filled(self._reach.management, words), order.margin) is not None

    def _is_of_vlan(self, order: _Order) -> bool:
        margin = first_match(self._reach.vlans, order.margin)
        own = first_match(self._reach.vlans, order.text)
        if order.within and margin is not None and self._holds(margin["vlans"]):
            return order.margin not in self._interfaces or _is_name(order.text)
        if own is None or not self._holds(own["vlans"]):
            return False
        # A list of VLANs with this one more takes nothing away
        return order.takes or members_in(self._rules, order.text) is None

    def _holds(self, vlans: str) -> bool:
        return self._vlans is None or bool(self._vlans & set(numbers_of(vlans)))

    def _is_of_uplink(self, order: _Order) -> bool:
        if first_match(self._reach.harmless, order.text) is not None:
            return False
        moved = first_match(self._reach.moves, order.text) if order.within else None
        if moved is not None:
            hit = any(self._is_uplink(port) for port in numbers_of(moved["ports"]))
            return hit and not self._only_adds(order)
        found = first_match(self._reach.port, order.margin)
        if found is None:
            return False
        ports = numbers_of(found["port"])
        if found["port"].startswith("range") or any(self._is_uplink(port) for port in ports):
            return not self._only_adds(order)
        return False

    def _is_uplink(self, port: str) -> bool:
        return any(_same(port, one) for one in self._uplinks)

    def _only_adds(self, order: _Order) -> bool:
        """Whether it carries one more VLAN tagged, and takes nothing away by that."""
        found = first_match(self._reach.adds, order.text)
        if order.takes or found is None:
            return False
        if "ports" in found.groupdict():  # a VLAN's line, with its ports
            vlan = first_match(self._reach.vlans, order.margin)
            ours = vlan is None or self._holds(vlan["vlans"])
            return not (ours and any(map(self._is_uplink, numbers_of(found["ports"]))))
        new = members_in(self._rules, order.text)
        if new is None:  # a line a VLAN
            before, _, vlan_name = order.text.rpartition(" ")
            has = any(line.startswith(f"{before} ") for line in self._lines)
            return has and not self._holds(vlan_name)
        had = (members_in(self._rules, line) for line in self._block(order.within))
        old = next((one for one in had if one is not None and one.key == new.key), None)
        if old is None:
            return False
        whole = order.text == new.line(new.rule.whole, new.members)
        replaces = whole and new.rule.add != new.rule.whole
        more = new.members - old.members
        return not (replaces and old.members - new.members) and not (
            more and self._holds(",".join(more))
        )

    def _find_interface(self) -> None:
        """Find the interface with the address, and its VLAN."""
        for margin in self._tree.children:
            found = first_match(self._reach.interface, margin.text)
            own = [margin.text, *(line.text for line in margin.all_children())]
            if found is None or not any(self._address.search(text) for text in own):
                continue
            named = {name: text for name, text in found.groupdict().items() if text}
            self._interfaces.add(margin.text)
            vlan = named.pop("vlan", None)
            self._vlans = (self._vlans or set()) | ({vlan} if vlan else set())
            self._words |= {name: re.escape(text) for name, text in named.items()}
            break
        else:
            self._interfaces = {
                line
                for line in self._lines
                if (found := first_match(self._reach.interface, line)) is not None
                and any(found.groupdict().get(name) for name in ("vlan", "unit", "interface"))
            }
            self._words |= {"interface": r"[^\s\"]+", "unit": r"\d+"}
            return
        for expression in self._reach.vlan:
            for known in sorted(self._vlans) or [""]:
                words = self._words | {"vlan": re.escape(known)}
                (filled,) = _filled((expression,), words)
                hits = (compiled(filled).match(line) for line in self._lines)
                self._vlans |= {hit["vlan"] for hit in hits if hit is not None}
        if self._reach.vlan and not self._vlans:
            self._vlans = {"1"}
        self._words["vlan"] = "|".join(map(re.escape, sorted(self._vlans))) or r"\A\Z"

    def _known(self, uplinks: Collection[str]) -> set[str]:
        """Give those that are ports of this switch: one that is none must not hide the others."""
        ports = {
            one
            for line in self._lines
            if (found := first_match(self._reach.port, line)) is not None
            for one in numbers_of(found["port"])
        }
        return {one for one in uplinks if any(_same(one, port) for port in ports)}

    def _carriers(self) -> Iterator[str]:
        """Give the ports that are trunks or carry the VLAN of the management."""
        for port, line in self._port_lines():
            trunk = first_match(self._reach.trunk, line)
            carries = first_match(self._reach.carries, line)
            named = {} if trunk is None else trunk.groupdict()
            if trunk is not None and (listed := named.get("ports") or named.get("port") or port):
                yield from numbers_of(listed)
            if carries is not None and self._vlans and self._holds(carries["vlans"]):
                yield carries.groupdict().get("port") or port

    def _port_lines(self) -> Iterator[tuple[str, str]]:
        """Give each line with the port in whose block it stands, if it does."""
        for margin in self._tree.children:
            found = first_match(self._reach.port, margin.text)
            port = "" if found is None else found["port"]
            yield port, margin.text
            for line in margin.children:
                yield port, line.text

    def _with_bundles(self, ports: set[str]) -> set[str]:
        """Give ports with those that they are together, and the ports that these are."""
        together: dict[str, set[str]] = {}
        for port, line in self._port_lines():
            found = first_match(self._reach.bundle, line)
            if found is not None:
                name = self._reach.bundled.format(group=found["group"])
                listed = numbers_of(found.groupdict().get("ports") or port)
                together.setdefault(name, {name}).update(listed)
        whole = {port for port in ports if port}
        for bundle in together.values():
            if any(_same(one, other) for one in bundle for other in ports):
                whole |= bundle
        return whole


def _is_name(text: str) -> bool:
    return text.startswith("name ")


def _filled(expressions: Sequence[str], words: dict[str, str]) -> tuple[str, ...]:
    """Give expressions with words put in, without those for which one is not known."""
    filled = []
    for expression in expressions:
        for name, text in words.items():
            expression = expression.replace(f"{{{name}}}", text)  # noqa: PLW2901
        if not re.search(r"\{[a-z]+\}", expression):
            filled.append(expression)
    return tuple(filled)


def _same(port: str, other: str) -> bool:
    """Whether two names, of which either may be short, are of one port."""
    # Junos tells neighbours of a port's unit
    port, other = port.lower().removesuffix(".0"), other.lower().removesuffix(".0")
    one, two = _PORT.match(port), _PORT.match(other)
    if one is None or two is None:
        return port == other
    if one[2] != two[2]:
        return False
    if not one[1] or not two[1]:
        return one[1] == two[1]
    return one[1].startswith(two[1]) or two[1].startswith(one[1])


def _ip(address: str) -> IPv4Address | None:
    """Give an address; None where it is a name or none of IPv4, of which no network is known."""
    try:
        return IPv4Address(address)
    except ValueError:
        return None


def _networks(text: str) -> Iterator[IPv4Network]:
    """Give the networks that a line writes as an address with a mask or a length."""
    for address, mask in _NETWORK.findall(text):
        with suppress(ValueError):  # no mask: two addresses side by side
            yield IPv4Network(f"{address}/{mask}", strict=False)
