"""Backing many switches up: ictops, a bare netmiko pool, and cisco.ios with a fork a switch.

``python -m benchmarks.switches [--switches N] [--rounds N] [--json]``. A farm of simulated
Cisco IOS switches on this machine answers every command after 100 ms and shows a configuration
of 600 lines to those in the privileged mode. ictops and the pool enter it and ask the same five
commands of each, with as many threads; cisco.ios asks for the running configuration only, of
fewer switches, and its time is given a switch.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmarks.report import Report, Target, alternate, finish, median
from benchmarks.rollout import Bench
from ictops.lab.farm.model import DeviceModel, FarmModel
from ictops.lab.farm.process import Farm, start, stop, write_farm

SWITCHES = 1000
THREADS = 100
LATENCY = 0.1
LINES = 600
FORKED = 50
"""Switches that cisco.ios is tried with: it takes a second each."""
TIMES_POOL, TIMES_FORKED, MEMORY_MB = 1.3, 20.0, 600.0
USER, PASSWORD = "backup", "simulated-1"
ICTOPS, POOL, COLLECTION = "ictops switch backup", "bare netmiko pool", "cisco.ios.ios_command"
PACKAGES = ("ictops", "ansible-core", "netmiko", "paramiko", "asyncssh")
SETTINGS = 'cluster = "bench"\nstate_dir = "state"\nforks = 50\n'


def configuration(name: str) -> str:
    """Give a configuration of 600 lines."""
    lines = [f"hostname {name}", "vlan 10", " name Staff"]
    number = 0
    while len(lines) < LINES - 4:
        number += 1
        lines += [
            f"interface GigabitEthernet{number // 48 + 1}/0/{number % 48 + 1}",
            f" description Socket {number}",
            " switchport access vlan 10",
            " switchport mode access",
        ]
    return "\n".join(lines[: LINES - 1]) + "\n"


def farm_of(folder: Path, number: int) -> Farm:
    """Start a farm of so many switches."""
    devices = tuple(
        DeviceModel(
            name=f"oak-sw-{n:04d}", platform="cisco_ios", user=USER, password=PASSWORD,
            latency=LATENCY, running=configuration(f"oak-sw-{n:04d}"),
        )
        for n in range(number)
    )  # fmt: skip
    write_farm(folder, FarmModel(devices=devices))
    return start(folder)


def describe(folder: Path, farm: Farm, name: str, switches: list[str]) -> None:
    """Write a cluster of one school with these switches."""
    inventory = folder / "inventories" / name
    (inventory / "known_hosts").mkdir(parents=True)
    (inventory / "known_hosts" / "oak").write_text(farm.known_hosts.read_text())
    hosts = {
        one: {"ansible_host": farm.places[one][0], "ansible_port": farm.places[one][1]}
        for one in switches
    }
    shared = {
        "ansible_user": USER, "ansible_password": PASSWORD, "switch_platform": "cisco_ios",
        "ansible_network_os": "cisco.ios.ios", "switch_backup_at_once": THREADS,
        "switch_backup_at_once_a_site": THREADS,
    }  # fmt: skip
    described = {
        "site_oak": {"hosts": hosts, "vars": {"site_name": "Oak", "site_phase": "primary"}},
        "switches": {"hosts": {one: {} for one in hosts}, "vars": shared},
    }
    (inventory / "oak.yml").write_text(json.dumps(described))


def by_pool(folder: Path, farm: Farm) -> None:
    """Ask all switches by netmiko in threads, and write down what they say."""
    from netmiko import ConnectHandler  # noqa: PLC0415

    kept = folder / "pool"
    kept.mkdir(exist_ok=True)
    pins = {line.split()[0]: line for line in farm.known_hosts.read_text().splitlines()}

    def one(name: str) -> None:
        address, port = farm.places[name]
        own = kept / f"{name}.key"
        own.write_text(pins[f"[{address}]:{port}"] + "\n")
        with ConnectHandler(
            device_type="cisco_ios", host=address, port=port, username=USER, password=PASSWORD,
            ssh_strict=True, alt_host_keys=True, alt_key_file=str(own), conn_timeout=15,
            auth_timeout=15, banner_timeout=15,
        ) as switch:  # fmt: skip
            switch.enable()  # who logs in here may not see a configuration before
            said = [
                str(switch.send_command(command, read_timeout=60))
                for command in (
                    "show running-config", "show startup-config", "show version",
                    "show inventory", "show lldp neighbors detail",
                )
            ]  # fmt: skip
        if any(len(shown.splitlines()) < LINES for shown in said[:2]):
            raise RuntimeError(f"the pool did not get {name}'s configuration")
        (kept / name).write_text("\n".join(said))

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(one, farm.places))


FORKS = """
- hosts: switches
  gather_facts: false
  connection: ansible.netcommon.network_cli
  become: true
  become_method: ansible.netcommon.enable
  tasks:
    - cisco.ios.ios_command:
        commands: show running-config
"""


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switches", type=int, default=SWITCHES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="ictops-bench-") as name:
        folder = Path(name).resolve()
        bench = Bench(folder, "resident")
        (folder / "ictops.toml").write_text(SETTINGS)
        farm = farm_of(folder / "farm", asked.switches)
        try:
            names = list(farm.places)
            describe(folder, farm, "bench", names)
            describe(folder, farm, "forked", names[:FORKED])
            (folder / "forked.yml").write_text(FORKS)

            def ours(_: int) -> None:
                bench.ictops("switch", "backup", "--json")

            seconds = alternate(
                {ICTOPS: ours, POOL: lambda _: by_pool(folder, farm)}, asked.rounds, say
            )
            begun = time.perf_counter()
            bench.run(
                "ansible-playbook", "-i", str(folder / "inventories/forked/oak.yml"),
                str(folder / "forked.yml"), ANSIBLE_CONFIG=str(folder / "rival.cfg"),
                ANSIBLE_HOST_KEY_CHECKING="false",
            )  # fmt: skip
            seconds[COLLECTION] = [time.perf_counter() - begun]
        finally:
            with suppress(ProcessLookupError):
                stop(folder / "farm")
    each = seconds[COLLECTION][0] / min(FORKED, asked.switches)
    own = median(seconds[ICTOPS])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    targets = [
        Target("times the time of a bare pool", own / median(seconds[POOL]), TIMES_POOL,
               at_least=False),
        Target("times as fast a switch as a fork each", each / (own / asked.switches),
               TIMES_FORKED),
        Target("most memory of any process, MB", peak, MEMORY_MB, at_least=False),
    ]  # fmt: skip
    few = min(FORKED, asked.switches)
    notes = [
        f"{asked.switches} simulated switches, {LATENCY * 1000:.0f} ms a command, {LINES} lines",
        f"{THREADS} threads; {COLLECTION} with {few} of them and forks=50",
    ]
    return finish(Report("switches", seconds, targets, notes), PACKAGES, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
