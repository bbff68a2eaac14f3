from __future__ import annotations

import dataclasses
import json

import pytest

from ictops.imaging.wire.job import Adapt, ImageRef, Job, SeedFile
from ictops.imaging.wire.said import Progress
from ictops.imaging.wire.strict import NotAsAgreed, dumps, loads

JOB = Job(
    ictops_job=1, id="0d1c7a52-1f0e-4d43-9f4e-0c1f5b9d8a10", kind="image", host="oak-it1-01",
    site="oakfield", mac="02:1c:70:01:00:21", uuid=None,
    not_before="2026-10-26T08:00:00+00:00", not_after="2026-10-26T18:00:00+00:00",
    image=ImageRef("debian", "2026.10-1", "ab" * 32),
    adapt=Adapt("oak-it1-01", {"ansible": ("ssh-ed25519 AAAA",)}, (SeedFile("/etc/x", "é\n"),)),
)  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    assert loads(Job, dumps(JOB)) == JOB


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "format"}, "job.kind"),
        ({"then": "halt"}, "job.then"),
        ({"cache": "1"}, "job.cache: int is wanted"),
        ({"cache": True}, "job.cache: int is wanted"),
        ({"host": "\ud800"}, "job.host"),
        ({"adapt": {"host_name": "x", "drivers": {"\ud800": "x"}}}, "job.adapt.drivers"),
        ({"ictops_job": 2}, "job.ictops_job"),
        ({"extra": 1}, "there is no 'extra'"),
        ({"mac": "02-1c-70-01-00-21"}, "is no MAC"),
        ({"mac": "02:1c:70:01:00:21\n"}, "is no MAC"),
        ({"image": None}, "names an image"),
        ({"image": {"name": "../x", "version": "1", "digest": "ab" * 32}}, "job.image"),
        ({"not_after": "2026-10-26T08:00:00"}, "no time zone"),
        ({"not_after": "2026-10-25T08:00:00+00:00"}, "ends before"),
        ({"adapt": {"host_name": "x", "files": [{"path": "/x", "text": 1}]}}, r"files\[0\].text"),
    ],
)
def test_what_is_not_as_agreed_is_told(change: dict, fault: str) -> None:
    data = json.loads(dumps(JOB)) | change
    with pytest.raises(NotAsAgreed, match=fault):
        loads(Job, json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"id": "1", "id": "2"}', "[" * 100000])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(NotAsAgreed):
        loads(Job, text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400])
def test_what_is_no_number_that_all_can_read_is_told(number: str) -> None:
    with pytest.raises(NotAsAgreed, match=r"progress\.rate"):
        loads(Progress, f'{{"step": "fetching", "rate": {number}}}')


def test_a_missing_field_is_told() -> None:
    data = dataclasses.asdict(JOB)
    del data["host"]
    with pytest.raises(NotAsAgreed, match="'host' is missing"):
        loads(Job, json.dumps(data))
