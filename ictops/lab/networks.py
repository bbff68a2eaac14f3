"""Networks for a lab's schools: none that anything on this machine has already."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import IPv4Network

from ictops.errors import LabError
from ictops.lab.podman import podman, run

LAB_NETWORKS = IPv4Network("198.18.0.0/15")
"""For tests of network devices (RFC 2544): no school's own network is in it."""

DEMO_NETWORKS = IPv4Network("198.18.0.0/20")
"""What ``inventories/demo`` has for its addresses; no lab's."""

USUAL_PREFIX = 24
RESERVED = 10
"""Addresses before a network's first host: the network's own, the gateway, and room."""

_LOOPBACK = 127 << 24
_LAST_THREE = (1 << 24) - 1


def switch_network(network: IPv4Network) -> IPv4Network:
    """Give the network of a school's simulated switches: like its hosts', but in 127.0.0.0/8.

    All of that leads to this machine itself: it needs no setting up and no root, nobody else
    comes to it, and it is as free as the hosts' network is.
    """
    first = _LOOPBACK | int(network.network_address) & _LAST_THREE
    return IPv4Network((first, network.prefixlen))


def networks_in_use() -> list[IPv4Network]:
    """Give the networks that podman or this machine's routes have already."""
    form = "{{range .Subnets}}{{.Subnet}} {{end}}"
    names = podman("network", "ls", "--quiet").split()
    texts = podman("network", "inspect", "--format", form, *names).split() if names else []
    routes = json.loads(run(["ip", "-json", "-4", "route"]).stdout or "[]")
    texts += [route["dst"] for route in routes if route["dst"] != "default"]
    return [IPv4Network(text, strict=False) for text in texts if ":" not in text]


def free_networks(hosts: Sequence[int], used: Sequence[IPv4Network]) -> list[IPv4Network]:
    """Give a free network for each number of hosts: a /24, or one that is large enough.

    :raises LabError: if there are not so many.
    """
    taken = [DEMO_NETWORKS, *used]
    found = []
    for count in hosts:
        network = _first_free(_prefix(count), taken)
        taken.append(network)
        found.append(network)
    return found


def _prefix(hosts: int) -> int:
    """Give the prefix of the smallest usual network that holds so many hosts."""
    bits = (hosts + RESERVED).bit_length()  # its last address is the broadcast's
    return min(USUAL_PREFIX, 32 - bits)


def _first_free(prefix: int, taken: Sequence[IPv4Network]) -> IPv4Network:
    if prefix >= LAB_NETWORKS.prefixlen:
        for network in LAB_NETWORKS.subnets(new_prefix=prefix):
            if not any(network.overlaps(other) for other in taken):
                return network
    raise LabError(
        "no networks are free for so many schools or hosts", do="Take another lab down first"
    )
