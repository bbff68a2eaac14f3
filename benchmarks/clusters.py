"""Clusters of any size, as real inventory files, for the benchmarks of the inventory."""

from __future__ import annotations

import shutil
from pathlib import Path

from ictops.settings import content_dir

HOSTS_A_ROOM = 30
MOST_SITES = 512
"""Each site has 512 addresses of its own, from 10.0.0.0 on; none is ever connected to."""


def make_cluster(folder: Path, sites: int, hosts_a_site: int) -> None:
    """Write a cluster of ``sites`` schools of ``hosts_a_site`` workstations each.

    :raises ValueError: if the schools would not have an address for every host.
    """
    if not 0 < sites <= MOST_SITES or not 0 < hosts_a_site <= 500:
        raise ValueError(f"at most {MOST_SITES} sites of 500 hosts")
    (folder / "calendars").mkdir(parents=True)
    (folder / "group_vars").mkdir()
    shutil.copy(content_dir() / "inventories/demo/calendars/council.ics", folder / "calendars")
    (folder / "group_vars" / "all.yml").write_text(
        "site_timezone: Europe/London\nsite_calendar: council\nsite_phase: secondary\n"
    )
    for number in range(sites):
        code = f"s{number:03}"
        (folder / "group_vars" / f"site_{code}.yml").write_text(
            f"site_name: School {number}\nsite_subnets: [{_address(number, 0)}/23]\n"
        )
        (folder / f"{code}.yml").write_text(_site(code, number, hosts_a_site))


def _address(site: int, host: int) -> str:
    value = (10 << 24) + (site << 9) + host
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _site(code: str, number: int, hosts: int) -> str:
    lines = [f"site_{code}:", "  hosts:"]
    rooms: dict[str, list[str]] = {}
    for host in range(1, hosts + 1):
        name = f"{code}-pc-{host:03}"
        mac = f"02:00:{number >> 8:02x}:{number & 255:02x}:{host >> 8:02x}:{host & 255:02x}"
        address = _address(number, host)
        lines.append(f'    {name}: {{ansible_host: {address}, host_mac: "{mac}"}}')
        rooms.setdefault(f"room_{code}_r{host // HOSTS_A_ROOM}", []).append(name)
    for room, names in rooms.items():
        lines += [f"{room}:", "  hosts:", *(f"    {name}:" for name in names)]
    lines += ["workstations:", "  children:", *(f"    {room}:" for room in rooms)]
    lines += ["linux:", "  children:", "    workstations:"]
    lines += ["canaries:", "  hosts:", f"    {code}-pc-001:"]
    return "\n".join(lines) + "\n"
