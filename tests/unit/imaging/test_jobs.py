from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ictops.errors import ImageError
from ictops.imaging import unattend
from ictops.imaging.jobs import (
    Target,
    Wanted,
    adapted,
    group_of,
    job_ids,
    make_job,
    signed,
)
from ictops.imaging.published import ImagingFolder
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import ImageRef, Job
from ictops.imaging.wire.signature import SignatureWrong, verify
from tests.support.published import make_key, manifest

PC = Target("oak-it1-01", "oakfield", "02:00:00:00:00:01")
IMAGE = ImageRef("pc", "2026.1", "ab" * 32)
ID = job_ids("k3w9ab", PC.host, "image")[0]
WHEN = {"not_before": "2026-10-26T08:00:00+00:00", "not_after": "2026-10-26T17:00:00+00:00"}


def test_a_hosts_jobs_have_the_same_ids_in_the_same_run_and_in_no_other():
    ids = job_ids("k3w9ab", "oak-it1-01", "image")
    assert ids == job_ids("k3w9ab", "oak-it1-01", "image")
    others = [("k3w9ac", "oak-it1-01", "image"), ("k3w9ab", "oak-it1-02", "image"),
              ("k3w9ab", "oak-it1-01", "erase")]  # fmt: skip
    all_ids = {*ids, *(one for other in others for one in job_ids(*other))}
    assert len(all_ids) == 4 * len(ids)


def test_a_job_is_signed_as_the_pc_reads_it(tmp_path: Path):
    folder = ImagingFolder(tmp_path)
    allowed = make_key(folder)
    adapt = adapted(PC, manifest(), IMAGE, ID, Wanted({"root": ("ssh-ed25519 AAAA",)}))
    job = make_job(PC, "image", job=ID, image=IMAGE, adapt=adapt, **WHEN)
    made = signed(job, folder.key)
    verify(made.job.encode(), made.signature, "ictops-job", allowed)
    with pytest.raises(SignatureWrong):
        verify(made.job.encode() + b" ", made.signature, "ictops-job", allowed)
    assert strict.loads(Job, made.job) == job


def test_without_its_key_no_job_is_signed(tmp_path: Path):
    job = make_job(PC, "look", job=ID, **WHEN)
    with pytest.raises(ImageError, match="the job cannot be signed"):
        signed(job, ImagingFolder(tmp_path).key)


def test_the_written_system_says_which_job_wrote_it():
    adapt = adapted(PC, manifest(), IMAGE, ID, Wanted())
    (file,) = adapt.files
    assert file.path == "/etc/ictops-image"
    assert json.loads(file.text) == {
        "image": "pc", "version": "2026.1", "digest": "ab" * 32, "job": ID,
    }  # fmt: skip
    assert adapt.secret is None


def test_cloud_init_learns_its_host_and_keeps_the_pinned_host_keys():
    wanted = Wanted(user_data={"timezone": "Europe/London"}, network={"version": 2})
    files = {
        Path(one.path).name: one.text
        for one in adapted(PC, manifest(seed="nocloud"), IMAGE, ID, wanted).files
    }
    assert yaml.safe_load(files["meta-data"]) == {
        "instance-id": ID, "local-hostname": "oak-it1-01"
    }  # fmt: skip
    assert files["user-data"].startswith("#cloud-config\n")
    user_data = yaml.safe_load(files["user-data"])
    assert user_data["ssh_deletekeys"] is False
    assert user_data["timezone"] == "Europe/London"
    assert yaml.safe_load(files["network-config"]) == {"version": 2}


def test_windows_is_told_what_it_is_and_asks_for_its_secret_apart():
    windows = manifest(system="windows", seed="unattend")
    own = Wanted(windows={"administrator": "tech", "time_zone": "UTC"}, join=True)
    adapt = adapted(PC, windows, IMAGE, ID, own)
    assert (adapt.secret, adapt.random) == (unattend.SECRET, unattend.RANDOM)
    (answers,) = [one for one in adapt.files if one.path == unattend.UNATTEND]
    assert answers.mode == 0o600
    for word in ("<ComputerName>oak-it1-01<", "<TimeZone>UTC<", "<Name>tech<", unattend.SECRET):
        assert answers.text.count(word) == 1, word
    alone = adapted(PC, windows, IMAGE, ID, Wanted(windows={"administrator": "tech"}))
    assert alone.secret is None


def test_an_unattend_of_ones_own_is_taken_as_it_is():
    windows = manifest(system="windows", seed="unattend")
    text = f"<p>{unattend.SECRET}</p>"
    adapt = adapted(PC, windows, IMAGE, ID, Wanted(unattend=text, join=True))
    assert (adapt.secret, adapt.random) == (unattend.SECRET, None)
    assert [(one.path, one.text) for one in adapt.files[1:]] == [(unattend.UNATTEND, text)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"colour": "blue"}, "workstation_image_windows is wrong: .*'colour'"),
        ({}, "'administrator' is missing"),
        ({"administrator": "Administrator"}, "an account that Windows has already"),
        ({"administrator": "tech", "winrm": "yes"}, "bool is wanted"),
    ],
)
def test_what_windows_would_not_take_is_told(wrong, says):
    with pytest.raises(ImageError, match=says):
        adapted(PC, manifest(system="windows", seed="unattend"), IMAGE, ID, Wanted(windows=wrong))


def test_the_pcs_of_a_room_that_go_together_have_one_session():
    both = group_of("k3w9ab", "oakfield", "it1", ["b", "a"])
    assert both == group_of("k3w9ab", "oakfield", "it1", ["a", "b"])
    assert both is not None
    assert both.members == 2
    assert both != group_of("k3w9ab", "oakfield", "library", ["a", "b"])
    assert group_of("k3w9ab", "oakfield", "it1", ["a"]) is None


def test_a_job_that_there_cannot_be_is_refused():
    with pytest.raises(ImageError, match=r"oak-it1-01: .*a job that is to image names an image"):
        make_job(PC, "image", job=ID, **WHEN)
