"""The job that is made of a host's variables, and the hosts that get none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.action.imaging_order import (
    order,
    refuse_servers,
    room_mates,
)

from ictops.errors import ImageError
from ictops.imaging import unattend
from ictops.imaging.images import drivers
from ictops.imaging.jobs import Signed, job_ids
from ictops.imaging.linux.build import BOOT_FILES, VERSIONS
from ictops.imaging.published import ImagingFolder
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.local import NEEDED
from ictops.imaging.wire.signature import verify
from tests.support.published import make_key, publish

HOST = "oak-it1-01"
ID = job_ids("k3w9ab", HOST, "image")[0]
ALONE = ("room_oakfield_it1", [HOST])
TOGETHER = ("room_oakfield_it1", ["oak-it1-02", HOST])


@pytest.fixture
def folder(tmp_path: Path) -> ImagingFolder:
    return ImagingFolder(tmp_path / "imaging")


@pytest.fixture
def args(folder: ImagingFolder, tmp_path: Path) -> dict[str, Any]:
    """What the role says of a host."""
    digest = publish(folder)
    make_key(folder)
    (tmp_path / "id").write_text("private")
    (tmp_path / "id.pub").write_text("ssh-ed25519 AAAA technician\n")
    return {
        "kind": "image", "folder": str(folder.path), "run": "k3w9ab", "site": "oakfield",
        "ends_at": "2099-10-26T17:00:00+00:00", "mac": "02-00-00-00-00-0A", "uuid": "", "disk": {},
        "image": {"name": "pc", "version": "2026.1", "digest": digest}, "seeds": [],
        "multicast": False, "cache": 0, "account": "tech", "key": str(tmp_path / "id"),
        "authorized_keys": {}, "user_data": {}, "network": {}, "unattend": "", "drivers": {},
        "windows": {}, "secret": "", "serials": [], "standing": False,
    }  # fmt: skip


def job_of(signed: Signed) -> Job:
    return strict.loads(Job, signed.job)


def test_a_job_is_for_one_pc_and_one_image_and_signed(args, folder):
    signed = order(HOST, ID, args, ALONE)
    allowed = folder.key.with_name("allowed_signers")
    verify(signed.job.encode(), signed.signature, "ictops-job", allowed)
    job = job_of(signed)
    assert (job.id, job.kind, job.host, job.mac) == (ID, "image", HOST, "02:00:00:00:00:0a")
    assert job.not_after == "2099-10-26T17:00:00+00:00"
    assert job.adapt is not None
    assert job.adapt.authorized_keys == {"tech": ("ssh-ed25519 AAAA technician",)}
    assert (job.uuid, job.multicast, job.then) == (None, None, "reboot")


def test_a_windows_joins_by_its_secret_and_has_drivers_by_its_model(args, folder, tmp_path):
    digest = publish(folder, "win", system="windows", seed="unattend")
    args["image"] = {"name": "win", "version": "2026.1", "digest": digest}
    args |= {"secret": "secretcanary", "windows": {"organization": "Oak"}}
    args |= {"drivers": {"Latitude *": "latitude"}}
    with pytest.raises(ImageError, match="there are no drivers 'latitude'"):
        order(HOST, ID, args, ALONE)
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "e1d.inf").write_text("[Version]")
    kept = drivers.publish(tmp_path / "unpacked", folder.store.folder, "latitude")
    signed = order(HOST, ID, args, ALONE)
    adapt = job_of(signed).adapt
    assert adapt is not None
    assert adapt.drivers == {"Latitude *": kept}
    assert adapt.secret == unattend.SECRET
    text = "".join(one.text for one in adapt.files)
    assert "<Name>tech</Name>" in text
    assert "<RegisteredOrganization>Oak<" in text
    assert "secretcanary" not in signed.job


def test_what_the_inventory_knows_of_the_pc_is_in_it(args):
    args |= {"uuid": "4C4C4544-0042-3510-8048-B4C04F4E3432", "disk": {"serial": "S-1"}}
    args |= {"seeds": [args["image"]], "authorized_keys": {"root": "ssh-rsa B"}}
    job = job_of(order(HOST, ID, args, ALONE))
    assert job.uuid == "4c4c4544-0042-3510-8048-b4c04f4e3432"
    assert (job.disk.serial, job.cache, len(job.seeds)) == ("S-1", 0, 1)
    assert job.adapt is not None
    assert job.adapt.authorized_keys == {"root": ("ssh-rsa B",)}


def test_a_pc_with_a_cache_is_told_what_it_is_to_start_its_agent_by(args, folder):
    args |= {"cache": 9, "kind": "heal", "standing": True}
    with pytest.raises(ImageError, match="was not built yet"):
        order(HOST, ID, args, ALONE)
    agent = folder.path / "agent"
    agent.mkdir()
    files = {name: {"size": len(name), "digest": f"{n:064x}"} for n, name in enumerate(BOOT_FILES)}
    for name in files:
        (agent / name).write_text(name)
    about = {"kernel": "6.1", "files": files, "packages": {}}
    (agent / VERSIONS).write_text(json.dumps(about))
    job = job_of(order(HOST, ID, args, ALONE))
    assert (job.kind, job.cache, job.standing) == ("heal", 9, True)
    assert [one.name for one in job.boot] == list(NEEDED)
    assert all(one.digest == files[one.name]["digest"] for one in job.boot)


def test_pcs_of_a_room_that_go_together_wait_for_each_other(args):
    args["multicast"] = True
    one = job_of(order(HOST, ID, args, TOGETHER)).multicast
    other = job_of(order("oak-it1-02", ID, args, TOGETHER)).multicast
    assert one is not None
    assert (one, one.members) == (other, 2)
    assert job_of(order(HOST, ID, args, ALONE)).multicast is None


def test_those_wait_for_each_other_that_are_in_one_room_and_get_their_jobs_together():
    room, other = ["oak-it1-01", "oak-it1-02", "oak-it1-03"], "oak-lib-01"
    args = {"site": "oakfield", "together": ["oak-it1-02", other, HOST]}
    variables = {
        "group_names": ["workstations", "room_oakfield_it1", "site_oakfield"],
        "groups": {"room_oakfield_it1": room},
    }
    assert room_mates(HOST, args, variables) == ("room_oakfield_it1", ["oak-it1-02", HOST])
    assert room_mates(other, args, {**variables, "group_names": ["site_oakfield"]}) == ("", [other])


def test_an_image_that_was_published_anew_is_not_the_one_that_was_planned(args):
    args["image"] = {**args["image"], "digest": "ab" * 32}
    with pytest.raises(ImageError, match="is not the one that was planned"):
        order(HOST, ID, args, ALONE)


def test_a_capture_says_how_much_is_taken_and_what_is_known_already(args):
    known = args["image"]
    capture = {"kind": "capture", "most": 5000, "then": "poweroff", "seeds": [known], "image": {}}
    job = job_of(order(HOST, ID, args | capture, ALONE))
    assert job.capture is not None
    assert (job.kind, job.capture.most, job.then) == ("capture", 5000, "poweroff")
    assert [one.digest for one in job.seeds] == [known["digest"]]
    assert (job.image, job.adapt) == (None, None)
    with pytest.raises(ImageError, match="workstation_image_capture_most is wrong"):
        order(HOST, ID, args | capture | {"most": 0}, ALONE)


def test_an_erasure_is_for_these_disks_and_switches_the_pc_off(args):
    job = job_of(order(HOST, ID, args | {"kind": "erase", "serials": ["S-1", "S-2"]}, ALONE))
    assert job.erase is not None
    assert job.erase.serials == ("S-1", "S-2")
    assert (job.image, job.adapt, job.then) == (None, None, "poweroff")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mac": "none"}, "'none' is no MAC. Put host_mac right"),
        ({"uuid": "x"}, "there can be no such job"),
        ({"disk": {"serail": "S"}}, "workstation_image_disk is wrong: .*'serail'"),
        ({"image": {}}, "workstation_image_image is wrong"),
        ({"ends_at": "2020-01-01T00:00:00+00:00"}, "it ends before it begins"),
        ({"site": "../x"}, "there can be no such job"),
    ],
)
def test_what_is_wrong_in_the_inventory_is_told(args, wrong, says):
    with pytest.raises(ImageError, match=says):
        order(HOST, ID, args | wrong, ALONE)


def test_without_any_key_nobody_could_log_in(args, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with pytest.raises(ImageError, match="nobody knows by which key"):
        order(HOST, ID, args | {"key": ""}, ALONE)


@pytest.mark.parametrize(
    ("groups", "named", "refused"),
    [
        (["workstations", "linux"], [], False),
        (["linux"], [], True),
        (["servers"], [], True),
        (["servers", "workstations"], [], True),
        (["servers"], ["oak-srv-02"], True),
        (["servers"], [HOST], False),
        (["switches"], [HOST], True),
    ],
)
def test_only_workstations_are_wiped_and_servers_that_were_named(groups, named, refused):
    if refused:
        with pytest.raises(ImageError, match=r"never imaged, erased or captured|no workstation"):
            refuse_servers(HOST, groups, named)
    else:
        refuse_servers(HOST, groups, named)
