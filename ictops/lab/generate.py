"""A made-up cluster of any size, for a lab of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from ictops.errors import LabError

FIRST_NETWORK = IPv4Network("198.18.0.0/15")
"""For tests of network devices (RFC 2544): no school's own network is in it."""
FIRST_SUBNET = 100
LAST_SUBNET = 500


def free_subnet(sites: int, used: Sequence[IPv4Network], start: int) -> int:
    """Give the number of the first /24 after ``start`` from which ``sites`` in a row are free.

    :raises LabError: if there is no such place.
    """
    networks = list(FIRST_NETWORK.subnets(new_prefix=24))
    places: list[int] = [*range(start, LAST_SUBNET - sites), *range(FIRST_SUBNET, start)]
    for place in places:
        wanted = networks[place + 1 : place + 1 + sites]
        if not any(network.overlaps(other) for network in wanted for other in used):
            return place
    raise LabError("no networks are free for so many schools", do="Take another lab down first")


def generate_cluster(
    folder: Path, sites: int, workstations: int, first_subnet: int = FIRST_SUBNET
) -> None:
    """Write an inventory of ``sites`` schools with ``workstations`` and a server each.

    :raises LabError: if the folder holds something already, or there are too many.
    """
    if folder.exists() and any(folder.glob("*.yml")):
        raise LabError("there is a cluster already", where=str(folder), do="Name another --cluster")
    if workstations > 200 or first_subnet + sites > LAST_SUBNET:  # noqa: PLR2004 - addresses
        raise LabError("too many: at most 200 workstations at each of 400 sites")
    networks = list(FIRST_NETWORK.subnets(new_prefix=24))
    (folder / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
    common = {"site_timezone": "Europe/London", "site_calendar": "council"}
    (folder / "group_vars" / "all" / "main.yml").write_text(yaml.safe_dump(common))
    for number in range(1, sites + 1):
        code = f"lab{number:03d}"
        network = networks[first_subnet + number]
        _write_site(folder, code, network, workstations)


def _write_site(folder: Path, code: str, network: IPv4Network, workstations: int) -> None:
    names = [f"{code}-ws-{n:02d}" for n in range(1, workstations + 1)]
    server = f"{code}-srv-01"
    third = network.network_address.packed[2]
    hosts = {
        name: {
            "ansible_host": str(network[last]),
            "host_mac": f"02:1c:71:{network.network_address.packed[1]:02x}:{third:02x}:{last:02x}",
        }
        for name, last in [(server, 10), *((n, 20 + i) for i, n in enumerate(names, 1))]
    }
    tree = {
        f"site_{code}": {"hosts": hosts},
        f"room_{code}_it1": {"hosts": dict.fromkeys(names)},
        "workstations": {"children": {f"room_{code}_it1": None}},
        "servers": {"hosts": {server: None}},
        "linux": {"children": {"workstations": None, "servers": None}},
        "canaries": {"hosts": {names[0]: None}},
    }
    (folder / f"{code}.yml").write_text(yaml.safe_dump(tree, sort_keys=False))
    variables = {"site_name": f"Lab school {code[3:]}", "site_subnets": [str(network)]}
    path = folder / "group_vars" / f"site_{code}.yml"
    path.write_text(yaml.safe_dump(variables, sort_keys=False))
