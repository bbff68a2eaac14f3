"""What an inventory wants of a switch: checked, and told port by port for a template.

The values are those of the role ``switch_config``, by the names of its variables without the
role's own; that they have the types which the role says was looked at before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ictops.errors import SwitchError
from ictops.network.values import refused

PREFIX = "switch_config_"
FEATURES = (
    "hostname", "vlans", "ports", "management", "ntp", "syslog", "snmp", "aaa", "dhcp_snooping",
    "storm_control", "spanning_tree", "dot1x",
)  # fmt: skip
"""What is managed only where an inventory says something of it."""
_LEVELS = ("broadcast", "multicast", "unicast")
_NEEDED = {
    "ntp": ("servers",),
    "syslog": ("servers",),
    "dhcp_snooping": ("vlans",),
    "storm_control": _LEVELS,
    "spanning_tree": ("mode",),
    "dot1x": ("enabled",),
}
"""Without one of these the others mean nothing."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform cannot do.

    :ivar title: its name for people.
    :ivar cannot: why not, by what is asked for: ``ports.dot1x``, ``spanning_tree.mode=rstp``.
    :ivar refuses: characters that its texts cannot hold.
    """

    title: str
    cannot: Mapping[str, str]
    refuses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port as it is to be.

    What a feature says of it is False, or ``normal``, where the feature is not managed.
    """

    name: str
    description: str | None = None
    address: str | None = None
    enabled: bool = True
    mode: str | None = None
    vlan: int | None = None
    voice_vlan: int | None = None
    native_vlan: int | None = None
    allowed_vlans: tuple[int, ...] = ()
    """All that a trunk carries, the native one too."""
    poe: bool = True
    storm_control: bool = False
    spanning_tree: str = "normal"
    dhcp_trust: bool = False
    dot1x: bool = False

    @property
    def tagged(self) -> tuple[int, ...]:
        """The VLANs that a trunk carries with a tag."""
        return tuple(one for one in self.allowed_vlans if one != self.native_vlan)

    @property
    def untagged(self) -> int | None:
        """The VLAN of what comes without a tag; None where nobody said one."""
        return self.vlan if self.mode == "access" else self.native_vlan


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a switch is to have.

    :ivar values: what a template says, by name.
    :ivar features: what is managed.
    """

    values: Values
    features: frozenset[str]


def wanted_of(values: Values, ready_made: Values, limits: Limits, host: str) -> Wanted:
    """Give what is wanted of a switch, its ports one by one.

    :param ready_made: the profiles that a school need not write.
    :raises SwitchError: if a value is none, or none for a line of a switch, if values do not fit
        together, or if the platform cannot do what they ask for. It names host and variable.
    """
    for path, why in _wrong(values, limits):
        raise SwitchError(f"{PREFIX}{path}: {why}", where=host)
    features = frozenset(one for one in FEATURES if _says(values[one]))
    profiles = {**ready_made}
    for name, said in values["profiles"].items():
        profiles[name] = {**ready_made.get(name, {}), **_said(said)}
    try:
        ports = tuple(_ports(values, profiles, features))
        told = {**values, "ports": ports}
        if "storm_control" in features:
            levels = values["storm_control"]
            told["storm_control"] = {**levels, "unit": levels.get("unit") or "percent"}
        _fits(told, limits)
    except _Unfit as error:
        raise SwitchError(f"{PREFIX}{error}", where=host) from None
    for asked, why in limits.cannot.items():
        if _asks(told, asked):
            raise SwitchError(cannot_be_had(asked, limits.title, why), where=host)
    return Wanted(told, features)


def cannot_be_had(variable: str, title: str, why: str) -> str:
    """Give what a person is told who asks for something that a platform has not."""
    return f"{PREFIX}{variable} cannot be had on {title}: {why}"


class _Unfit(Exception):
    """Values that do not fit together."""


def _wrong(values: Values, limits: Limits) -> Iterator[tuple[str, str]]:
    for path, kind, value in _leaves({n: one for n, one in values.items() if n != "folder"}):
        why = refused(kind, value, limits.refuses)
        if why:
            yield path, why


def _leaves(value: object, path: str = "", kind: str = "") -> Iterator[tuple[str, str, object]]:
    """Give each single value, where it stands, and what it is: its place without numbers."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            # The name of a profile is anybody's, what is in it is as in a port.
            own = "ports" if kind == "profiles" else f"{kind}.{name}" if kind else str(name)
            yield from _leaves(one, f"{path}.{name}" if path else str(name), own)
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from _leaves(one, f"{path}[{number}]", kind)
    elif value not in (None, ""):
        yield path, kind, value


def _says(value: object) -> bool:
    """Whether something is said: of a group of settings, any of them."""
    if isinstance(value, Mapping):
        return any(one not in (None, [], "") for one in value.values())
    return bool(value)


def _said(settings: Values) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _ports(values: Values, profiles: Values, features: frozenset[str]) -> Iterator[Port]:
    vlans = [one["id"] for one in values["vlans"]]
    seen: set[str] = set()
    for number, entry in enumerate(values["ports"]):
        where = f"ports[{number}]"
        profile = entry.get("profile")
        if profile is not None and profile not in profiles:
            raise _Unfit(f"{where}.profile: there is no profile {profile}")
        said = {**profiles.get(profile, {}), **_said(entry)}
        said.pop("profile", None)
        names = said.pop("ports")
        allowed = _allowed(said, vlans, where)
        port = Port(name="", **{**said, "allowed_vlans": allowed})
        for name in names:
            if name in seen:
                raise _Unfit(f"{where}.ports: {name} is there twice")
            seen.add(name)
            yield replace(_without(port, features), name=name)


def _allowed(said: Values, vlans: Sequence[int], where: str) -> tuple[int, ...]:
    if said.get("mode") != "trunk":
        if said.get("allowed_vlans"):
            raise _Unfit(f"{where}: allowed_vlans is of trunks")
        return ()
    listed = [one for part in said.get("allowed_vlans", ()) for one in _range(part)]
    native = [said["native_vlan"]] if said.get("native_vlan") else []
    return tuple(sorted({*(listed or vlans), *native}))


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _without(port: Port, features: frozenset[str]) -> Port:
    """Give a port with nothing of the features that are not managed."""
    if "storm_control" not in features:
        port = replace(port, storm_control=False)
    if "spanning_tree" not in features:
        port = replace(port, spanning_tree="normal")
    if "dhcp_snooping" not in features:
        port = replace(port, dhcp_trust=False)
    return port if "dot1x" in features else replace(port, dot1x=False)


def _fits(values: Values, limits: Limits) -> None:
    vlans = values["vlans"]
    for what in ("id", "name"):
        every = [one[what] for one in vlans]
        double = next((one for one in every if every.count(one) > 1), None)
        if double is not None:
            raise _Unfit(f"vlans: {double} is there twice")
    known = {1, *(one["id"] for one in vlans)}
    for port in values["ports"]:
        _port_fits(port, known, limits)
    for vlan in values["dhcp_snooping"].get("vlans") or ():
        _is_known(vlan, known, "dhcp_snooping.vlans")
    management = values["management"]
    if management.get("vlan") is not None:
        _is_known(management["vlan"], known, "management.vlan")
    if management.get("address") and management.get("vlan") is None:
        raise _Unfit("management.vlan: an address needs a VLAN")
    _servers_fit(values, limits)
    levels = values["storm_control"]
    if levels.get("unit") == "percent":
        for one in _LEVELS:
            if (levels.get(one) or 0) > 100:  # noqa: PLR2004
                raise _Unfit(f"storm_control.{one}: that is more than 100 percent")
    for feature, needed in _NEEDED.items():
        group = values[feature]
        if _says(group) and all(group.get(one) in (None, []) for one in needed):
            raise _Unfit(f"{feature}: it needs {' or '.join(needed)}")


def _is_known(vlan: int, known: set[int], where: str) -> None:
    if vlan not in known:
        raise _Unfit(f"{where}: VLAN {vlan} is not in {PREFIX}vlans")


def _port_fits(port: Port, known: set[int], limits: Limits) -> None:
    where = f"ports: {port.name}"
    if port.mode is None and "ports.mode" not in limits.cannot:
        raise _Unfit(f"{where}: it needs a mode or a profile that says one")
    if port.mode == "access" and port.vlan is None:
        raise _Unfit(f"{where}: an access port needs a vlan")
    if port.mode != "trunk" and port.native_vlan is not None:
        raise _Unfit(f"{where}: native_vlan is of trunks, an access port has a vlan")
    if port.mode != "access" and (port.vlan is not None or port.voice_vlan is not None):
        raise _Unfit(f"{where}: vlan and voice_vlan are of access ports")
    if port.mode == "trunk" and not port.allowed_vlans:
        raise _Unfit(f"{where}: it carries no VLAN; {PREFIX}vlans has none")
    for vlan in (port.vlan, port.voice_vlan, *port.allowed_vlans):
        if vlan is not None:
            _is_known(vlan, known, where)


def _servers_fit(values: Values, limits: Limits) -> None:
    aaa = values["aaa"]
    login = aaa.get("login") or ()
    if login and "local" not in login:
        raise _Unfit("aaa.login: without local nobody comes in while the servers are off")
    for kind in ("radius", "tacacs"):
        if kind in login and not aaa.get(kind) and f"aaa.{kind}" not in limits.cannot:
            raise _Unfit(f"aaa.login: there is no server in {PREFIX}aaa.{kind}")
    by_hand = {"aaa.radius", "dot1x"} & set(limits.cannot)
    if values["dot1x"].get("enabled") and not aaa.get("radius") and not by_hand:
        raise _Unfit(f"dot1x: there is no server in {PREFIX}aaa.radius to ask")


def _asks(values: Values, asked: str) -> bool:
    """Say whether something is asked for: what is true, or, with ``=``, one value."""
    path, equals, wanted = asked.partition("=")
    found = _at(values, path.split("."))
    return any(str(one) == wanted for one in found) if equals else any(map(_says, found))


def _at(value: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(value, (list, tuple)) and names:
        return [found for one in value for found in _at(one, names)]
    if not names:
        return [value]
    name, *rest = names
    below = getattr(value, name) if isinstance(value, Port) else value.get(name)
    return [] if below is None else _at(below, rest)
