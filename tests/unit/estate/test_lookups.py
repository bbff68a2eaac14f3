from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ictops.estate.check import check_cluster
from ictops.estate.lookups import lookups_in
from ictops.settings import content_dir

HARMLESS = [
    '"{{ site_domain }}"',
    "plain text about a lookup(s)",
    "!unsafe \"{{ lookup('pipe', 'id') }}\"",
    "'{ lookup }'",
]
HARMFUL = [
    "\"{{ lookup('pipe', 'touch /tmp/x') }}\"",
    "\"{{ query('pipe', 'id') | first }}\"",
    "\"{%- set f = lookup -%}{{ f('pipe', 'id') }}\"",
    "|\n        {{ x\n        | default(q('pipe', 'id')) }}",
    "[a, {b: \"{{lookup('lines','id')}}\"}]",
]


def site(folder: Path, value: str) -> Path:
    path = folder / "alpha.yml"
    path.write_text(f"workstations:\n  hosts:\n    ws-01:\n      note: {value}\n")
    return path


@pytest.mark.parametrize("value", HARMLESS)
def test_what_is_data(tmp_path, value):
    assert list(lookups_in(site(tmp_path, value))) == []


@pytest.mark.parametrize("value", HARMFUL)
def test_what_would_run_here(tmp_path, value):
    (found,) = lookups_in(site(tmp_path, value))
    assert found.line == 4
    assert "would run on this machine" in str(found)


def test_the_check_of_the_inventory_names_it(tmp_path):
    demo = content_dir() / "inventories" / "demo"
    shutil.copytree(demo, tmp_path / "demo", ignore=shutil.ignore_patterns("lab.yml"))
    rowan = tmp_path / "demo" / "rowan.yml"
    name = "{{ lookup('pipe', 'touch /tmp/x') }}"
    rowan.write_text(rowan.read_text() + f'room_rowan_x:\n  hosts:\n    row-x: {{n: "{name}"}}\n')
    faults = check_cluster(tmp_path / "demo", vault_set=False)
    (fault,) = (fault for fault in faults if "lookup" in fault.what)
    assert fault.file == "rowan.yml"
    assert name in rowan.read_text().splitlines()[fault.line - 1]
