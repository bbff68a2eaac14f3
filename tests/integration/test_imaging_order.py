"""Who is waited for in a room: those that get their jobs together, by the role's own tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ictops.imaging.jobs import job_ids
from ictops.imaging.published import ImagingFolder
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job, Multicast
from ictops.settings import content_dir
from tests.support.imaging import BootServer
from tests.support.imaging import claim as claim_of
from tests.support.published import make_key, publish

pytestmark = pytest.mark.imaging

PCS = [f"oak-it1-{n:02d}" for n in range(1, 5)]
ELSEWHERE = "oak-lib-01"
RUN = "k3w9ab"
MACS = {name: f"52:54:00:00:01:{n:02x}" for n, name in enumerate([*PCS, ELSEWHERE])}


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[BootServer]:
    if os.getuid() != 0 and not os.environ.get("CI"):
        pytest.skip("the role becomes root at the boot server, which is this machine")
    folder = ImagingFolder(tmp_path / "imaging")
    digest, allowed = publish(folder), make_key(folder)
    server = BootServer(tmp_path, datetime.now(UTC))
    server.allowed.write_text(allowed.read_text())
    (tmp_path / "id").write_text("private")
    (tmp_path / "id.pub").write_text("ssh-ed25519 AAAA technician\n")
    variables = {
        "workstation_image_server": "boot", "workstation_image_folder": str(folder.path),
        "workstation_image_run": RUN, "workstation_image_multicast": True,
        "workstation_image_ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "workstation_image_site": "oakfield", "ansible_ssh_private_key_file": str(tmp_path / "id"),
        "workstation_image_socket": str(tmp_path / "run/admin.sock"),
        "workstation_image_image": {"name": "pc", "version": "2026.1", "digest": digest},
    }  # fmt: skip
    hosts = {name: {"host_mac": mac} for name, mac in MACS.items()}
    here = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "ansible_become_method": "ansible.builtin.su",
    }  # fmt: skip
    inventory = {
        "workstations": {"hosts": hosts, "vars": variables},
        "room_oakfield_it1": {"hosts": dict.fromkeys(PCS)},
        "room_oakfield_lib": {"hosts": {ELSEWHERE: None}},
        "servers": {"hosts": {"boot": here}},
    }
    (tmp_path / "oakfield.yml").write_text(yaml.safe_dump(inventory))
    role = {"name": "workstation_image", "tasks_from": "order"}
    task = {"ansible.builtin.include_role": role, "vars": {"__workstation_image_kind": "image"}}
    plays = [{"hosts": "workstations", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "play.yml").write_text(json.dumps(plays))
    with server.running():
        yield server


def order(boot: BootServer, *hosts: str) -> None:
    """Order the image for these hosts at once."""
    content = content_dir()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "oakfield.yml", "play.yml",
         "--limit", ",".join(hosts)],
        cwd=boot.root, text=True, capture_output=True, check=False,
        env={
            **os.environ, "ANSIBLE_CONFIG": str(content / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(content / "collections"),
            "ANSIBLE_ROLES_PATH": str(content / "roles"),
            "ANSIBLE_STRATEGY": "ictops.schools.resident",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def session_of(boot: BootServer, host: str) -> Multicast | None:
    job = boot.root / "state/jobs" / job_ids(RUN, host, "image")[0] / "job"
    return strict.loads(Job, job.read_bytes()).multicast


def claim(boot: BootServer, host: str) -> str:
    said = strict.dumps(claim_of(MACS[host]))
    status, answer = boot.say("agent", "/v1/claim", said)
    assert status == 200, answer
    return str(answer["token"])


def test_a_room_waits_for_those_only_that_get_their_jobs_with_it(boot: BootServer) -> None:
    begun, ended, *fresh = PCS
    order(boot, begun, ended)
    claim(boot, begun)
    token = claim(boot, ended)
    assert boot.say("agent", "/v1/end", {"outcome": "done"}, token)[0] == 200
    order(boot, *PCS, ELSEWHERE)
    first, second = session_of(boot, begun), session_of(boot, fresh[0])
    assert first is not None
    assert second is not None
    assert first == session_of(boot, ended)
    assert second == session_of(boot, fresh[1])
    assert (first.members, second.members) == (2, 2)
    assert first.group != second.group
    assert session_of(boot, ELSEWHERE) is None
