"""Farms of simulated switches for tests, and netmiko's own drivers that log in to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from netmiko import ConnectHandler
from netmiko.base_connection import BaseConnection

from ictops.lab.farm.model import DeviceModel, FarmModel
from ictops.lab.farm.process import Farm, start, stop, write_farm
from ictops.network.device import Device
from ictops.trust.known_hosts import KnownHosts, address_of

CASES = Path(__file__).parents[1] / "data" / "farm"
PLATFORMS = sorted(path.stem for path in CASES.glob("*.yml"))
ENABLE = "enable-me"
LATE = {
    "dell_os10": "interface mgmt1/1/1\n no shutdown\nsnmp-server contact office\n",
    "hp_procurve": 'snmp-server community "public"\nspanning-tree\nno autorun\n',
}
"""Lines late in a configuration, by which a whole one is known where it has no end mark."""
WAIT_SECONDS = 10.0


def case(platform: str) -> dict[str, Any]:
    """Give what there is to try on a platform."""
    read: dict[str, Any] = yaml.safe_load((CASES / f"{platform}.yml").read_text())
    return read


def device(platform: str, name: str | None = None, **more: Any) -> DeviceModel:
    """Give a device of a platform, with the configuration of its case."""
    said = {"enable_password": ENABLE, "running": case(platform)["running"]}
    return DeviceModel(name=name or platform, platform=platform, **said | more)


@contextmanager
def farm_of(
    folder: Path, *devices: DeviceModel, within: Sequence[str] = (), **more: Any
) -> Iterator[Farm]:
    """Run a farm for as long as this lasts."""
    write_farm(folder, FarmModel(devices=devices, **more))
    running = start(folder, within=within)
    try:
        yield running
    finally:
        stop(folder)


def described(farm: Farm, name: str, platform: str) -> Device:
    """Give a farm's switch as an inventory would."""
    address, port = farm.places[name]
    pins = KnownHosts(farm.known_hosts).pinned(address_of(address, port))
    return Device(
        name=name, site="oak", platform=platform, address=address, port=port, user="admin",
        password="simulated", enable=ENABLE, pins=frozenset(pins),
    )  # fmt: skip


@contextmanager
def logged_in(farm: Farm, name: str, platform: str, **more: Any) -> Iterator[BaseConnection]:
    """Log in by netmiko, with a strict host key, and go to ``enable``."""
    address, port = farm.places[name]
    connection = ConnectHandler(
        device_type=case(platform)["netmiko"],
        host=address,
        port=port,
        username="admin",
        ssh_strict=True,
        system_host_keys=False,
        alt_host_keys=True,
        alt_key_file=str(farm.known_hosts),
        **{"password": "simulated", "secret": ENABLE} | more,
    )
    try:
        connection.enable()
        yield connection
    finally:
        # A switch that has rebooted may have closed its end just before.
        with suppress(EOFError):
            connection.paramiko_cleanup()


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come within {WAIT_SECONDS} s"
        time.sleep(0.01)
