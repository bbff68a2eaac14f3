"""The agent with the real service's rules, and with an image that the real store published."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictops.imaging.agent.main import work_once
from ictops.imaging.images.publish import publish
from ictops.imaging.images.signing import Signing
from ictops.imaging.images.store import Store, Version, writing
from ictops.imaging.service.desk import Desk
from ictops.imaging.wire.job import Adapt, ImageRef, Job
from ictops.imaging.wire.state import Look
from tests.support import images
from tests.support.boot_server import boot_server
from tests.support.images import MIB
from tests.support.imaging import BootServer
from tests.unit.imaging.agent.conftest import School, Versions
from tests.unit.imaging.agent.test_image import debugfs, system_of


@pytest.fixture
def desk(school: School, tmp_path: Path) -> Desk:
    root = tmp_path / "service"
    root.mkdir()
    server = BootServer(root, datetime.now(UTC))
    server.allowed.write_text(school.signing.allowed.read_text())
    school.sessions.desk = server.desk()
    return school.sessions.desk


def arm(school: School, desk: Desk, job: Job, secret: str | None = None) -> None:
    school.sessions.arm(job, school.signing.key)
    signed = BootServer.signed(_Key(school), job)  # type: ignore[arg-type]
    desk.arm(replace(signed, secret=secret))


class _Key:
    def __init__(self, school: School) -> None:
        self.key = school.signing.key


def test_a_job_is_done_once(school: School, versions: Versions, desk: Desk) -> None:
    disk = school.blank()
    adapt = Adapt("pc-01", secret="WORD")
    job = school.job(versions.first, adapt=adapt, uuid=None)
    arm(school, desk, job, "hush")
    end, _ = work_once(school.options, school.machine(disk))
    assert end.outcome == "done", end
    state = desk.look(Look(job.id))
    assert (state.state, state.end) == ("ended", end)
    assert [one.split()[0] for one in state.host_keys] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]
    system = system_of(disk, versions.first, school.folder)
    public = debugfs(system, "cat /etc/ssh/ssh_host_ed25519_key.pub")
    assert public.startswith(state.host_keys[0])
    before = disk.read_bytes()
    again, none = work_once(school.options, school.machine(disk))
    assert (again.outcome, again.fault, none) == ("failed", "job-refused", None)
    assert "over: ended" in again.message
    assert disk.read_bytes() == before


def test_of_two_pcs_with_one_mac_one_is_imaged(
    school: School, versions: Versions, desk: Desk
) -> None:
    job = school.job(versions.fixed)
    arm(school, desk, job)
    disk, other = school.blank(), school.blank("other.img")
    twin = replace(school.machine(other), uuid="4c4c4544-0000-4000-8000-00000000dead")
    refused, _ = work_once(school.options, twin)
    assert (refused.fault, any(other.read_bytes())) == ("job-refused", False)
    assert "another PC's" in refused.message
    assert work_once(school.options, school.machine(disk))[0].outcome == "done"
    assert len(desk.look(Look(job.id)).faults) == 1


def test_what_the_store_publishes_is_written(school: School, tmp_path: Path) -> None:
    parts = images.partitions(
        images.esp_file(tmp_path / "esp.img"),
        images.root_file(tmp_path / "r.img", images.tree(tmp_path / "tree", files=20), 32 * MIB),
    )
    golden = tmp_path / "golden.img"
    with golden.open("wb") as file:
        file.truncate(parts[-1][0].end + 2 * MIB)
    script = "label: gpt\n" + "".join(
        f"start={one.start // 512},size={one.size // 512},type={one.type},uuid={one.guid}\n"
        for one, _ in parts
    )
    subprocess.run(["sfdisk", "-q", golden], input=script.encode(), check=True)
    with golden.open("r+b") as file:
        for one, content in parts:
            file.seek(one.start)
            file.write(content.read_bytes())
    store = Store(tmp_path / "store")
    signing = Signing(school.signing.key.parent)
    version = Version("debian", "1")
    with writing(store) as work:
        made = publish(
            golden, version, store=store, signing=signing, work=work, seed=None, say=lambda _: None
        )
    with boot_server(store.folder, tmp_path / "tls2") as (files, sessions):
        there = replace(school, files=files, sessions=sessions)
        manifest = store.manifest(version)
        image = images.Image(
            manifest, store.index(version), ImageRef("debian", "1", made.digest), {}
        )
        disk = school.blank()
        end = there.run(there.job(image, adapt=Adapt("pc-07")), disk)
        assert end.outcome == "done", end
        assert end.fetched == made.stored
        assert debugfs(system_of(disk, image, tmp_path), "cat /etc/hostname") == "pc-07\n"
        again = there.run(there.job(image, adapt=Adapt("pc-07")), disk)
    assert again.outcome == "done"
    assert again.fetched < made.stored / 2
