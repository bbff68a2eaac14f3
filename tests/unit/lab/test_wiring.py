"""Switches of a lab hang together as a school's do, and each cable has two ends."""

from __future__ import annotations

import pytest

from ictops.estate.models import Host, HostKind
from ictops.lab.wiring import FREE, PORTS, Cable, wire


def host(name: str, kind: HostKind = "workstation", room: str | None = None) -> Host:
    mac = f"02:00:00:00:00:{abs(hash(name)) % 90 + 10}"
    return Host(name, "oak", kind, None, room, f"127.0.0.{len(name)}", mac, False, 1)


def switches(count: int) -> list[Host]:
    return [host(f"sw-{number}", "switch") for number in range(count)]


def depths(cables: dict[str, list[Cable]]) -> dict[str, int]:
    """Give how many switches are between each and the router."""
    above = {
        name: next(one.name for one in found if one.port == PORTS) for name, found in cables.items()
    }
    return {name: _depth(above, name) for name in cables}


def _depth(above: dict[str, str], name: str) -> int:
    return 0 if above[name] not in above else 1 + _depth(above, above[name])


def test_three_switches_are_at_three_depths() -> None:
    assert list(depths(wire(switches(3), [], "router")).values()) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 50])
def test_each_cable_has_two_ends_and_each_port_one_cable(count: int) -> None:
    cables = wire(switches(count), [host(f"pc-{n}") for n in range(40)], "router")
    assert max(depths(cables).values()) < count
    for name, found in cables.items():
        ports = [one.port for one in found]
        assert ports == sorted(set(ports))
        assert min(ports) >= 1
        assert max(ports) == PORTS
        for one in found:
            if one.far_port is not None:
                far = next(c for c in cables[one.name] if c.port == one.far_port)
                assert (far.name, far.far_port) == (name, one.port)


def test_servers_are_at_the_core_and_a_room_is_at_one_switch() -> None:
    rooms = [host(f"{room}-{n}", room=room) for room in ("it1", "lib") for n in (1, 2)]
    cables = wire(switches(3), [host("srv", "server"), *rooms], "router")
    assert [one.name for one in cables["sw-0"]] == ["srv", "sw-1", "router"]
    assert [one.name for one in cables["sw-1"]] == ["it1-1", "it1-2", "sw-2", "sw-0"]
    assert [one.name for one in cables["sw-2"]] == ["lib-1", "lib-2", "sw-1"]


def test_some_ports_stay_free() -> None:
    found = wire(switches(1), [host(f"pc-{n}") for n in range(100)], "router")["sw-0"]
    assert len(found) == PORTS - FREE


def test_no_switches_need_no_cables() -> None:
    assert wire([], [host("pc")], "router") == {}
