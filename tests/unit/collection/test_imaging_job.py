"""A PC's job, found, armed and watched at the real imaging service."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.imaging import (
    Service,
    ServiceError,
    progress_of,
    span,
)
from ansible_collections.ictops.schools.plugins.modules.imaging_job import (
    arm,
    cancel,
    find,
    watch,
)

from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Hardware
from tests.support.imaging import HARDWARE, MAC, OTHER_UUID, UUID, BootServer, claim

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvhR0Jc1VZT1sUQ8CkzJ4n2mEv4Yx1kGqgq0sVf1hYt"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BootServer]:
    server = BootServer(tmp_path, datetime.now(UTC))
    with server.running():
        yield server


@pytest.fixture
def service(server: BootServer) -> Service:
    return Service(str(server.root / "run" / "admin.sock"))


def armed(server: BootServer, service: Service, **more: Any) -> Job:
    job = server.job(**more)
    signed = server.signed(job)
    asked = {"id": job.id, **asdict(signed)}
    assert arm(service, asked)["stage"] == "armed"
    return job


def asked(job: Job, until: str = "ended", **more: Any) -> dict[str, Any]:
    return {"id": job.id, "until": until, "seconds": 0, "patience": 600, "since": "", **more}


def say(server: BootServer, token: str, path: str, **message: Any) -> None:
    assert server.say("agent", f"/v1/{path}", message, token) == (200, {})


def test_a_job_is_watched_from_its_arming_to_its_end(server: BootServer, service: Service):
    job = armed(server, service)
    told = watch(service, asked(job, "claimed"))
    assert (told["stage"], told["over"]) == ("armed", False)
    assert told["ictops_progress"]["step"] == "booting"
    token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    assert watch(service, asked(job, "claimed"))["over"]
    say(server, token, "progress", step="fetching", done=720000000, total=1600000000, rate=8e7)
    told = watch(service, asked(job))
    assert told["msg"] == "fetching: 45 %, 80.0 MB/s, 11 s left"
    assert told["ictops_progress"] == {
        "step": "fetching", "percent": 45, "rate": 8e7, "remaining": 11, "text": told["msg"],
    }  # fmt: skip
    say(server, token, "host-keys", keys=[KEY])
    say(server, token, "end", outcome="done", notes=["2 chunks were fetched twice"])
    told = watch(service, asked(job))
    assert (told["over"], told["done"], told["silent"]) == (True, True, False)
    assert told["host_keys"] == [KEY]
    assert told["msg"] == "it is done; 2 chunks were fetched twice"
    assert strict.from_data(Hardware, told["ictops_hardware"]["hardware"]) == HARDWARE
    assert told["ictops_hardware"]["uuid"] == UUID
    assert "ictops_progress" not in told


def test_a_failure_is_told_in_the_agents_own_words(server: BootServer, service: Service):
    job = armed(server, service)
    token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    fault = {"fault": "disk-small", "message": "the disk has 8 GB, the image wants 20 GB"}
    say(server, token, "end", outcome="failed", **fault)
    told = watch(service, asked(job))
    assert (told["over"], told["done"]) == (True, False)
    assert told["msg"] == "disk-small: the disk has 8 GB, the image wants 20 GB"


def test_a_wait_ends_as_soon_as_there_is_an_end(server: BootServer, service: Service):
    job = armed(server, service)
    token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    ending = threading.Timer(0.5, say, (server, token, "end"), {"outcome": "done"})
    ending.start()
    told = watch(service, asked(job, seconds=600))  # else the test would last as long
    ending.join()
    assert told["done"]


def test_a_pc_that_says_nothing_is_silent_after_its_time(server: BootServer, service: Service):
    job = armed(server, service)
    told = watch(service, asked(job, "claimed", patience=-1))
    assert (told["over"], told["silent"], told["stage"]) == (True, True, "armed")
    assert "it has not asked for its job" in told["msg"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert not watch(service, asked(job, "claimed", patience=0, since=later))["silent"]
    server.say("agent", "/v1/claim", asdict(claim()))
    told = watch(service, asked(job, patience=-1))
    assert told["silent"]
    assert "nothing was heard of it" in told["msg"]


def test_two_pcs_with_one_mac_are_told(server: BootServer, service: Service):
    job = armed(server, service, pc=UUID)
    assert server.say("agent", "/v1/claim", asdict(claim(pc=OTHER_UUID)))[0] == 409
    told = watch(service, asked(job, "claimed"))
    assert OTHER_UUID in told["msg"]
    assert told["msg"].startswith("it has not asked for its job yet (refused: ")


def test_the_job_that_is_there_is_found_and_none_beside_it(server: BootServer, service: Service):
    ids = [str(uuid.uuid4()) for _ in range(3)]
    assert find(service, ids)["stage"] == "unknown"
    assert find(service, ids)["id"] == ids[0]
    armed(server, service, id=ids[0])
    assert (find(service, ids)["id"], find(service, ids)["stage"]) == (ids[0], "armed")
    service.ask("cancel", {"id": ids[0]})
    assert (find(service, ids)["id"], find(service, ids)["stage"]) == (ids[1], "unknown")
    armed(server, service, id=ids[1])
    token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    say(server, token, "end", outcome="failed", fault="agent", message="no")
    assert (find(service, ids)["id"], find(service, ids)["stage"]) == (ids[1], "ended")


def test_jobs_are_not_armed_for_ever(server: BootServer, service: Service):
    ids = [str(uuid.uuid4()) for _ in range(2)]
    for name in ids:
        armed(server, service, id=name)
        service.ask("cancel", {"id": name})
    with pytest.raises(ServiceError, match="none was done in time"):
        find(service, ids)


def test_jobs_are_taken_back_that_no_pc_has_begun(server: BootServer, service: Service):
    ids = [str(uuid.uuid4()) for _ in range(3)]
    assert cancel(service, ids, check=False)[0] is False
    armed(server, service, id=ids[1])
    assert cancel(service, ids, check=True)[0] is True
    assert find(service, ids[1:])["stage"] == "armed"
    changed, told = cancel(service, ids, check=False)
    assert (changed, told["id"], told["stage"]) == (True, ids[1], "cancelled")
    assert cancel(service, ids, check=False)[0] is False
    armed(server, service, id=ids[2])
    token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    say(server, token, "progress", step="fetching", done=1, total=2)
    for check in (True, False):
        changed, told = cancel(service, ids, check=check)
        assert (changed, told["stage"], told["msg"]) == (False, "claimed", "fetching: 50 %")
    say(server, token, "end", outcome="done")


def test_another_job_of_the_same_pc_is_not_pushed_aside(server: BootServer, service: Service):
    armed(server, service)
    with pytest.raises(ServiceError, match=f"{MAC} has a job that is not over"):
        armed(server, service)
    job = server.job()
    arm(service, {"id": job.id, **asdict(server.signed(job, replace=True))})


def test_a_service_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ServiceError, match=r"does not answer at .*admin.sock: .*systemctl status"):
        Service(str(tmp_path / "admin.sock")).ask("look", {"id": UUID})


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"done": 0, "total": 0, "rate": 0.0, "note": ""}, "looking"),
        ({"done": 5, "total": 10, "rate": 0.5, "note": ""}, "looking: 50 %, 0.0 MB/s, 10 s left"),
        ({"done": 20, "total": 10, "rate": 1e6, "note": "sda"}, "looking: 100 %, 1.0 MB/s, sda"),
    ],
)  # fmt: skip
def test_progress_is_told_as_far_as_it_is_known(said: dict[str, Any], text: str):
    state = {"state": "claimed", "progress": {"step": "looking", **said}}
    assert progress_of(state)["text"] == text


def test_lengths_of_time_are_told_as_a_person_reads_them():
    assert [span(n) for n in (9, 75, 3600 * 2 + 60)] == ["9 s", "1 min 15 s", "2 h 1 min"]
