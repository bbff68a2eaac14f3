"""Switches beside the hosts that drift: simulated, and as they are to be until somebody logs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from ictops.lab.farm.process import Farm
from ictops.trust.known_hosts import known_hosts_path
from tests.support.drifting import Seed
from tests.support.farm import device, farm_of, logged_in
from tests.support.lab import Workspace
from tests.support.workspace import LOGIN, place_in

SITE, PLATFORM = "lab001", "cisco_ios"
VLANS = [{"id": 10, "name": "management"}, {"id": 20, "name": "classroom"}]
SEEDS = {
    f"{SITE}-sw-01": Seed("switch line", "running vs intended", "vlan 20\nname pupils"),
    f"{SITE}-sw-02": Seed("switch line", "running vs startup", "vlan 30\nname library"),
}


@dataclass(frozen=True)
class Switches:
    """The switches of the lab's school."""

    farm: Farm

    def seed(self) -> list[tuple[str, Seed]]:
        """Have somebody change them; give what was done where."""
        for name, seed in SEEDS.items():
            with logged_in(self.farm, name, PLATFORM) as connection:
                connection.send_config_set(seed.do.splitlines())
                if seed.item != "running vs startup":
                    connection.save_config()
        return list(SEEDS.items())


@contextmanager
def switches_of(workspace: Workspace) -> Iterator[Switches]:
    """Give a lab's school some switches while this lasts."""
    with farm_of(workspace.folder / "farm", *(device(PLATFORM, name) for name in SEEDS)) as farm:
        more = {**LOGIN, "switch_platform": PLATFORM, "switch_config_vlans": VLANS}
        more["ansible_ssh_private_key_file"] = ""  # that is for the other hosts
        path = workspace.lab.folder / f"{SITE}.yml"
        tree = yaml.safe_load(path.read_text())
        tree["switches"] = {"hosts": {name: place_in(farm, name) | more for name in SEEDS}}
        tree[f"site_{SITE}"]["hosts"] |= dict.fromkeys(SEEDS)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        known = known_hosts_path(workspace.lab.folder, SITE)
        known.write_text(known.read_text() + farm.known_hosts.read_text())
        yield Switches(farm)
