"""Variables are merged as Ansible merges them: held against ansible-inventory itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ictops.estate.load import load_cluster
from ictops.estate.source import read_source
from ictops.estate.variables import group_variables, host_variables, passed_over, values
from ictops.settings import content_dir

FILES = {
    "alpha.yml": """\
all:
  vars: {a: all in the file, b: all in the file, site_phase: from the file}
secondary:
  children: {site_alpha: }
  vars: {c: secondary in the file, d: secondary in the file}
site_alpha:
  hosts:
    ws-01: {h: host in the file, i: host in the file}
  vars: {d: site in the file, e: site in the file}
room_alpha_it:
  hosts: {ws-01: }
workstations:
  children: {room_alpha_it: }
linux:
  children: {workstations: }
""",
    # The first of these holds; the others are passed over.
    "group_vars/all/main.yml": "b: all\nf: all\ng: all\n",
    "group_vars/all/sub/more.yaml": "g: all, further down\n",
    "group_vars/all/.hidden.yml": "g: hidden\n",
    "group_vars/all/old.bak": "g: no file of variables\n",
    "group_vars/all.yml": "g: passed over\n",
    "group_vars/linux": "k: linux\nl: linux\nm: linux\n",
    "group_vars/workstations.yml": "l: workstations\nm: workstations\n",
    "group_vars/room_alpha_it.json": '{"m": "room"}\n',
    "group_vars/secondary.yml": """\
e: secondary
site_freezes: [{name: GCSE, start: 2027-05-10, end: 2027-06-25}]
""",
    "group_vars/site_alpha.yml": "f: site\nsite_name: Alpha\n",
    "host_vars/ws-01.yml": "i: host\n",
}


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / "c" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "c" / name).write_text(content)
    return tmp_path / "c"


def ansible_says(source: Path, host: str) -> dict[str, object]:
    program = Path(sys.executable).with_name("ansible-inventory")
    said = subprocess.run(
        [program, "-i", source, "--host", host],
        check=True,
        capture_output=True,
        env=os.environ | {"ANSIBLE_CONFIG": str(content_dir() / "ansible.cfg")},
    )
    found: dict[str, object] = json.loads(said.stdout)
    found.pop("ansible_local", None)  # ansible's own, and of no inventory
    return found


def test_variables_are_those_that_ansible_finds(cluster: Path) -> None:
    source = read_source(cluster / "alpha.yml")
    found = values(host_variables(cluster, "ws-01", source))
    assert json.loads(json.dumps(found, default=str)) == ansible_says(source.path, "ws-01")
    assert found["m"] == "room", "the deepest group wins, and not the last by name"


def test_variables_of_the_demo_are_those_that_ansible_finds() -> None:
    folder = content_dir() / "inventories" / "demo"
    source = read_source(folder / "oakfield.yml")
    found = values(host_variables(folder, "oak-it1-01", source))
    assert json.loads(json.dumps(found, default=str)) == ansible_says(source.path, "oak-it1-01")


def test_a_value_is_said_to_be_where_it_is(cluster: Path) -> None:
    found = host_variables(cluster, "ws-01", read_source(cluster / "alpha.yml"))
    places = {name: f"{one.file.relative_to(cluster)}:{one.line}" for name, one in found.items()}
    assert places["a"] == "alpha.yml:2"
    assert places["g"] == "group_vars/all/sub/more.yaml:1"
    assert places["h"] == "alpha.yml:8"
    assert places["m"] == "group_vars/room_alpha_it.json:1"
    assert places["site_name"] == "group_vars/site_alpha.yml:2"


def test_files_that_ansible_passes_over_are_known(cluster: Path) -> None:
    folder = cluster / "group_vars"
    assert list(passed_over(folder)) == [(folder / "all.yml", folder / "all")]


def test_a_site_has_the_variables_of_all_its_groups(cluster: Path, tmp_path: Path) -> None:
    """A freeze of every secondary school must not be lost, nor one in the site's own file."""
    for _ in ("read", "from the index"):
        site = load_cluster(cluster, tmp_path / "cache").site("alpha")
        assert site.name == "Alpha"
        assert site.phase == "from the file"
        assert site.places["site_phase"] == f"{cluster / 'alpha.yml'}:2"
        (freeze,) = site.variables["site_freezes"]  # type: ignore[misc]
        assert freeze["start"] == date(2027, 5, 10)
        assert site.places["site_freezes"].endswith("group_vars/secondary.yml:2")


def test_a_group_that_is_in_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "alpha.yml"
    path.write_text("a: {children: {b: }}\nb: {children: {a: }, hosts: {ws-01: }}\n")
    source = read_source(path)
    assert sorted(source.in_order(source.groups_of("ws-01"))) == ["a", "b"]
    assert group_variables(tmp_path, ["a", "b"], source) == {}
