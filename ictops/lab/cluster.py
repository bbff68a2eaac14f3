"""The cluster of a lab: a copy of one that there is, or of one that is made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from ictops.errors import LabError
from ictops.estate.models import site_group
from ictops.lab.copy import copy_cluster, set_variables, sites_to_copy
from ictops.lab.machine import check_memory
from ictops.lab.model import MARKER, OWN_FOLDER, Lab
from ictops.lab.networks import free_networks, networks_in_use, switch_network
from ictops.lab.pcs.school import describe, inventory_of, make_pcs
from ictops.network.described import ROOT
from ictops.settings import content_dir

MOST_SITES = 400
MOST_WORKSTATIONS = 200
MOST_SWITCHES = 50
MADE_UP_PLATFORM = "cisco_ios"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a lab's cluster is to be made of: a cluster, or so many made-up schools."""

    copy_of: str = ""
    """A cluster's folder."""
    only: tuple[str, ...] = ()
    """The sites of it that are wanted; all if empty."""
    sites: int = 0
    workstations: int = 0
    """At each site, beside a server."""
    switches: int = 0
    """At each site."""
    pcs: int = 0
    """Virtual PCs at the first site, which then has a boot server, too."""

    def __str__(self) -> str:
        if not self.copy_of:
            schools = "1 made-up school" if self.sites == 1 else f"{self.sites} made-up schools"
            each = f"{schools}, workstations: {self.workstations} each"
            each += f", switches: {self.switches} each" if self.switches else ""
            return f"{each}, virtual PCs: {self.pcs}" if self.pcs else each
        which = f" ({', '.join(self.only)})" if self.only else ""
        return f"a copy of {Path(self.copy_of).name}{which}"


def demo_recipe() -> Recipe:
    """Give the recipe of ictops' own three demonstration schools."""
    return Recipe(copy_of=str(content_dir() / "inventories" / "demo"))


def recipe_of(lab: Lab) -> Recipe | None:
    """Give what the lab's cluster was made of, or None if there is none.

    :raises LabError: if a cluster of this name is there and is no lab's.
    """
    found = lab.made_of()
    return None if found is None else Recipe(**found | {"only": tuple(found["only"])})


def make_cluster(lab: Lab, recipe: Recipe, say: Callable[[str], None]) -> None:
    """Make the lab's cluster, whole or not at all.

    :raises LabError: if this machine has no room for it.
    :raises InventoryError: if what is to be copied cannot be read.
    """
    say(f"making the cluster {lab.name}: {recipe}")
    lab.folder.parent.mkdir(parents=True, exist_ok=True)
    part = lab.part
    shutil.rmtree(part, ignore_errors=True)
    with TemporaryDirectory(prefix="ictops-lab-") as temporary:
        source = Path(recipe.copy_of)
        if not recipe.copy_of:
            source = Path(temporary)
            _make_up(source, recipe)
        sites = sites_to_copy(source, recipe.only)
        check_memory(sum(len(held.hosts) for held in sites.values()), recipe.pcs)
        left_out = [name for held in sites.values() for name in held.left_out]
        if left_out:
            say(f"left out, for no such switch_platform can be simulated: {', '.join(left_out)}")
        part.mkdir()
        rooms = [held.room for held in sites.values()] + ([recipe.pcs] if recipe.pcs else [])
        networks = free_networks(rooms, networks_in_use())
        copy_cluster(source, part, sites, networks[: len(sites)])
    (part / ".gitignore").write_text("# A lab's cluster is made, not kept.\n*\n")
    (part / OWN_FOLDER).mkdir(mode=0o700)
    if recipe.pcs:
        _add_pcs(part, made_up_site(1), (networks[0], networks[-1]), recipe)
    (part / MARKER).write_text(json.dumps(asdict(recipe)))
    part.rename(lab.folder)


def _make_up(folder: Path, recipe: Recipe) -> None:
    """Write an inventory of made-up schools, with the demonstration's calendar and checks."""
    sites, workstations = recipe.sites, recipe.workstations
    if sites > MOST_SITES or workstations > MOST_WORKSTATIONS or recipe.switches > MOST_SWITCHES:
        raise LabError(
            f"at most {MOST_SITES} schools with {MOST_WORKSTATIONS} workstations and "
            f"{MOST_SWITCHES} switches each can be made"
        )
    demo = content_dir() / "inventories" / "demo"
    shutil.copytree(demo / "calendars", folder / "calendars")
    (folder / "group_vars" / "all").mkdir(parents=True)
    for name in ("all/main.yml", "linux.yml"):
        shutil.copyfile(demo / "group_vars" / name, folder / "group_vars" / name)
    for number in range(1, sites + 1):
        _make_up_site(folder, made_up_site(number), recipe, boots=number == 1 and recipe.pcs > 0)


def made_up_site(number: int) -> str:
    """Give the code of a made-up school."""
    return f"lab{number:03d}"


def _add_pcs(folder: Path, code: str, networks: tuple[IPv4Network, ...], recipe: Recipe) -> None:
    """Give a made-up school a room of virtual PCs.

    :param networks: the school's, and one for the room.
    """
    school, network = networks
    path, server = folder / f"{code}.yml", boot_server_of(code)
    pcs = make_pcs(network, [f"{code}-pc-{n:02d}" for n in range(1, recipe.pcs + 1)])
    tree = yaml.safe_load(path.read_text())
    names = {pc.name: None for pc in pcs}
    room = f"room_{code}_pcs"
    tree[f"site_{code}"]["hosts"] |= names
    tree[room] = {"hosts": names}
    tree["workstations"].setdefault("children", {})[room] = None
    tree |= inventory_of(network, server, pcs)
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    subnets = [school, *([switch_network(school)] if recipe.switches else []), network]
    said = {"site_subnets": [str(one) for one in subnets]}
    set_variables(folder, site_group(code), "site", said)
    # The lab's packages are at its containers alone.
    set_variables(folder, room, "software", {"software_assigned": []})
    describe(folder / OWN_FOLDER, network, server, pcs)


def boot_server_of(code: str) -> str:
    """Give the name of a made-up school's boot server."""
    return f"{code}-img-01"


def _make_up_site(folder: Path, code: str, recipe: Recipe, *, boots: bool) -> None:
    names = [f"{code}-ws-{n:02d}" for n in range(1, recipe.workstations + 1)]
    switches = [f"{code}-sw-{n:02d}" for n in range(1, recipe.switches + 1)]
    servers = [f"{code}-srv-01", *([boot_server_of(code)] if boots else [])]
    tree: dict[str, dict[str, object]] = {
        f"site_{code}": {"hosts": dict.fromkeys([*servers, *names, *switches])},
        f"room_{code}_it1": {"hosts": dict.fromkeys(names)},
        "workstations": {"children": {f"room_{code}_it1": None}},
        "servers": {"hosts": dict.fromkeys(servers)},
        "linux": {"children": {"workstations": None, "servers": None}},
        "canaries": {"hosts": dict.fromkeys(names[:1])},
    }
    if switches:
        tree["switches"] = {
            "hosts": {name: {ROOT: True} if name == switches[0] else None for name in switches},
            "vars": {"switch_platform": MADE_UP_PLATFORM},
        }
    (folder / f"{code}.yml").write_text(yaml.safe_dump(tree, sort_keys=False))
    variables = {"site_name": f"Lab school {code[3:]}"}
    path = folder / "group_vars" / f"site_{code}.yml"
    path.write_text(yaml.safe_dump(variables, sort_keys=False))
