"""What a single value may be that reaches a line of a switch.

A line is sent to a switch as if somebody typed it: a value with a line break would be a second
command, one with a question mark a call for help. So all that is not known to be harmless is
refused; nothing is ever mended in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network, NetmaskValueError

from ictops.network.methods import MOST_MINUTES

LAST_VLAN = 4094
"""4095 is reserved (IEEE 802.1Q)."""
_SHORTEST_SECRET = 8
"""RFC 3414, 11.2; and no secret is then a number that a switch takes for the type of one."""
_LONGEST_TEXT = 64
"""The shortest of what the platforms take for a description."""
_TOP_PRIORITY, _PRIORITY_STEP = 61440, 4096
_MOST = 1_000_000_000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_HOSTNAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PORT = re.compile(r"(?:lag )?[A-Za-z0-9][A-Za-z0-9/.:_-]{0,62}")
_VLANS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
_SECRET = re.compile(r"[!-~]+")

_SECRETS = {"snmp.users.auth_password", "snmp.users.priv_password"} | {
    f"aaa.{kind}.secret" for kind in ("radius", "tacacs")
}
Check = Callable[[object], str]
"""Gives what is wrong with a value; nothing if nothing is."""


def refused(kind: str, value: object, refuses: Sequence[str] = ()) -> str:
    """Give why a value cannot be; nothing if it can.

    :param kind: what it is, such as ``vlans.name``.
    :param refuses: characters that no text of the platform can hold.
    """
    if kind in _SECRETS:
        return _secret(value)
    if isinstance(value, str):
        why = _text(value, refuses)
        if why:
            return why
    check = _CHECKS.get(kind)
    return check(value) if check is not None else ""


def _text(value: str, refuses: Sequence[str]) -> str:
    if not (value.isascii() and value.isprintable()):
        return "it holds a character that is no printable ASCII one"
    for character in ("?", "\\", *refuses):
        if character in value:
            return f"it holds {character!r}, which this platform does not take in a line"
    if value != " ".join(value.split(" ")).strip() or "  " in value:
        return "it has blanks around it, or two in a row"
    if len(value) > _LONGEST_TEXT:
        return f"it is longer than {_LONGEST_TEXT} characters"
    return ""


def _secret(value: object) -> str:
    """Never says what it is."""
    text = str(value)
    if _SECRET.fullmatch(text) is None or set(text) & set("\"'\\?"):
        return "a secret is of printable ASCII characters without blanks, quotes, \\ and ?"
    if len(text) < _SHORTEST_SECRET:
        return f"a secret has at least {_SHORTEST_SECRET} characters"
    return "" if len(text) <= _LONGEST_TEXT else f"it is longer than {_LONGEST_TEXT} characters"


def _matches(expression: re.Pattern[str], what: str, value: object) -> str:
    return "" if expression.fullmatch(str(value)) else what


def _between(first: int, last: int, what: str, value: object) -> str:
    within = isinstance(value, int) and first <= value <= last
    return "" if within else f"{value} is no {what}: they are {first} to {last}"


def _vlans(value: object) -> str:
    found = _VLANS.fullmatch(str(value))
    if found is not None:
        first = int(found[1])
        if 1 <= first <= int(found[2] or first) <= LAST_VLAN:
            return ""
    return f"{value} is neither a VLAN nor a range of them, 1 to {LAST_VLAN}"


def _priority(value: object) -> str:
    right = isinstance(value, int) and value in range(0, _TOP_PRIORITY + 1, _PRIORITY_STEP)
    return "" if right else f"{value} is no multiple of {_PRIORITY_STEP} up to {_TOP_PRIORITY}"


def _address(
    kind: type[IPv4Address | IPv4Interface | IPv4Network], what: str, value: object
) -> str:
    try:
        read = kind(str(value))
    except (AddressValueError, NetmaskValueError, ValueError):
        return f"{value} is no {what}"
    if kind is IPv4Interface and "/" not in str(value):
        return f"{value} has no prefix length"
    # One way to write it: what is compared with what a switch shows must be in its words.
    own = str(read.with_prefixlen if isinstance(read, (IPv4Interface, IPv4Network)) else read)
    said = str(value) if kind is not IPv4Network or "/" in str(value) else f"{value}/32"
    return "" if own == said else f"{value} is to be written {own}"


_vlan = partial(_between, 1, LAST_VLAN, "VLAN")
_level = partial(_between, 1, _MOST, "level")
_server = partial(_address, IPv4Address, "IPv4 address")
_interface = partial(_address, IPv4Interface, "IPv4 address with a prefix length")
_port = partial(_matches, _PORT, "that is no name of a port")
_name = partial(_matches, _NAME, "a name is of letters, digits, - and _, a letter first, up to 32")

_CHECKS: dict[str, Check] = {
    "hostname": partial(
        _matches, _HOSTNAME, "a host's name is of letters, digits and -, a letter first"
    ),
    "vlans.id": partial(_between, 2, LAST_VLAN, "VLAN of a school's own"),
    "vlans.name": _name,
    "ports.ports": _port,
    "ports.address": _interface,
    "ports.vlan": _vlan,
    "ports.voice_vlan": _vlan,
    "ports.native_vlan": _vlan,
    "ports.allowed_vlans": _vlans,
    "management.vlan": _vlan,
    "management.address": _interface,
    "management.gateway": _server,
    "ntp.servers": _server,
    "syslog.servers": _server,
    "snmp.managers": partial(_address, IPv4Network, "IPv4 address or network"),
    "snmp.users.name": _name,
    "snmp.users.group": _name,
    "aaa.radius.address": _server,
    "aaa.tacacs.address": _server,
    "dhcp_snooping.vlans": _vlan,
    "storm_control.broadcast": _level,
    "storm_control.multicast": _level,
    "storm_control.unicast": _level,
    "spanning_tree.priority": _priority,
    "bridge": _name,
    "minutes": partial(_between, 1, MOST_MINUTES, "number of minutes"),
    "uplinks": _port,
}
"""By kind; other texts are any of :func:`_text`."""
