"""What the role workstation_image does where nobody says otherwise, as Ansible itself has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from ictops.settings import content_dir

PLAY = [
    {
        "hosts": "workstations",
        "gather_facts": False,
        "tasks": [
            # Never run, but its variables are there.
            {"ansible.builtin.import_role": {"name": "workstation_image"}, "when": False},
            {
                "ansible.builtin.debug": {
                    "msg": "{{ inventory_hostname }} by <{{ workstation_image_wake_interface }}>"
                }
            },
        ],
    }
]


def test_pcs_are_woken_by_the_interface_that_they_boot_from(tmp_path: Path) -> None:
    servers = {"srv-1": {"imaging_server_interface": "imaging"}, "srv-2": None}
    pcs = {f"pc-{n}": {"workstation_image_server": f"srv-{n}"} for n in (1, 2, 3)}
    pcs["pc-4"] = {**pcs["pc-1"], "workstation_image_wake_interface": "eth7"}
    groups = {"imaging_servers": {"hosts": servers}, "workstations": {"hosts": pcs}}
    (tmp_path / "site.yml").write_text(yaml.safe_dump(groups))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY, sort_keys=False))
    here = content_dir()
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "site.yml", "play.yml"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
        env={
            **os.environ, "ANSIBLE_ROLES_PATH": str(here / "roles"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(here / "collections"),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # pc-3 has a boot server that this inventory does not know.
    assert dict(re.findall(r"(pc-[0-9]) by <(.*?)>", done.stdout)) == {
        "pc-1": "imaging", "pc-2": "", "pc-3": "", "pc-4": "eth7",
    }  # fmt: skip
