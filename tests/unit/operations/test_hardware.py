"""From what PCs say of themselves to what is known of each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from ictops.operations.apply import create_run
from ictops.operations.finish import finish
from ictops.operations.hardware import (
    HEAL_VARIABLE,
    IMAGE_VARIABLE,
    disk_words,
    known_hardware,
    own_disks,
    record_hardware,
)
from ictops.operations.report import report_of
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from tests.support.imaging import HARDWARE, UUID
from tests.support.journals import NOW, start
from tests.support.scripted import small_plan

PCS = ("pc-1", "pc-2", "pc-3")
IMAGE = {"name": "pc", "version": "2026.1", "digest": "ab" * 32}


def begun(journal: Journal, operation: str = "image") -> tuple[str, Lease]:
    """Give a run of two PCs that are being worked on."""
    plan = small_plan({"oakfield": [["pc-1", "pc-2"]]}).model_copy(
        update={"operation": operation, "extra_vars": {IMAGE_VARIABLE: IMAGE}}
    )
    run = create_run(journal, plan, NOW)
    lease = journal.acquire(run, at=NOW)
    start(lease, ["pc-1", "pc-2"])
    return run, lease


def told(host: str, kind: str, number: int, **result: Any) -> dict[str, Any]:
    data = json.dumps({"data": {"res": result}})
    return {
        "shard_id": 1, "counter": number, "at": NOW, "kind": kind, "host": host, "task": "Wait",
        "data": data,
    }  # fmt: skip


def seen(**more: Any) -> dict[str, Any]:
    return {"hardware": {**asdict(HARDWARE), **more}, "uuid": UUID}


def test_what_was_written_and_to_which_hardware_is_kept(journal: Journal, settings: Settings):
    run, lease = begun(journal)
    lease.record(
        [
            told("pc-1", "runner_on_ok", 1, ictops_hardware=seen(model="Desk"), done=True),
            told("pc-2", "runner_on_ok", 2, ictops_hardware=seen(), done=False),
        ],
        at=NOW,
    )
    finish(journal, settings, run)
    known = known_hardware(journal, settings)
    assert (known["pc-1"].model, known["pc-1"].uuid, known["pc-1"].site) == (
        "Desk", UUID, "oakfield",
    )  # fmt: skip
    assert own_disks(known["pc-2"]) == list(HARDWARE.disks)
    (image,) = Inventory(journal).images("demo")
    assert (image.host, image.version) == ("pc-1", "2026.1")
    assert disk_words(known["pc-1"]) == "vda 9 GB virtual serial A1; seen 26 Oct 2026"
    finish(journal, settings, run)
    assert known_hardware(journal, settings) == known


def healed(**more: Any) -> dict[str, Any]:
    end = {"outcome": "done", "seconds": 31.2, **more}
    return {"job": UUID, "end": end, "at": "2026-10-26T08:00:00+00:00"}


def test_the_image_that_a_pc_was_put_back_to_is_kept(journal: Journal, settings: Settings):
    other = {**IMAGE, "version": "2026.2"}
    plan = small_plan({"oakfield": [["pc-1", "pc-2", "pc-3"]]}).model_copy(
        update={"operation": "image-heal", "extra_vars": {HEAL_VARIABLE: dict.fromkeys(PCS, other)}}
    )
    run = create_run(journal, plan, NOW)
    lease = journal.acquire(run, at=NOW)
    start(lease, list(PCS))
    broken = healed(outcome="failed", fault="disk-failing", message="it\nis\x1b broken")
    lease.record(
        [
            told("pc-1", "runner_on_ok", 1, ictops_healed=healed(notes=["its cache is full"])),
            told("pc-2", "runner_on_ok", 2, ictops_healed=broken),
            told("pc-3", "runner_on_ok", 3, ictops_hardware=seen(), done=True),
        ],
        at=NOW,
    )
    recorded = record_hardware(journal, journal.run(run))
    assert recorded.healed == {
        "pc-1": "put itself back at 2026-10-26T08:00:00+00:00: done in 31 s; its cache is full",
        "pc-2": "put itself back at 2026-10-26T08:00:00+00:00: disk-failing: it is? broken",
    }
    kept = {one.host: one.version for one in Inventory(journal).images("demo")}
    assert kept == {"pc-1": "2026.2", "pc-3": "2026.2"}


@pytest.mark.parametrize(
    "odd",
    [None, "x", {}, {"hardware": None}, {"hardware": {"vendor": 1}},
     {"hardware": {**asdict(HARDWARE), "firmware": "coreboot"}}],
)  # fmt: skip
def test_a_pc_that_says_nonsense_is_told_and_keeps_no_other_from_being_kept(
    journal: Journal, settings: Settings, odd: Any
):
    run, lease = begun(journal)
    lease.record(
        [
            told("pc-1", "runner_on_ok", 1, ictops_hardware=odd, done=True),
            told("pc-2", "runner_on_ok", 2, ictops_hardware=seen()),
        ],
        at=NOW,
    )
    recorded = record_hardware(journal, journal.run(run))
    assert recorded.hosts == ("pc-2",)
    assert list(recorded.unreadable) == (["pc-1"] if isinstance(odd, dict) else [])
    assert list(known_hardware(journal, settings)) == ["pc-2"]


def test_a_report_says_how_far_each_host_is_at_last(journal: Journal):
    run, lease = begun(journal)

    def at(percent: int) -> dict[str, Any]:
        text = f"fetching: {percent} %"
        return {"step": "fetching", "percent": percent, "rate": 8e7, "remaining": 1, "text": text}

    lease.record(
        [
            told("pc-1", "runner_retry", 1, ictops_progress=at(10)),
            told("pc-2", "runner_retry", 2, ictops_progress=at(70)),
            told("pc-1", "runner_retry", 3, ictops_progress=at(20)),
        ],
        at=NOW,
    )
    shown = report_of(journal, run).at_work
    assert [(one.host, one.percent) for one in shown] == [("pc-1", 20), ("pc-2", 70)]
    lease.end_shard(1, status="successful", reason="", settled=[], at=NOW)
    assert report_of(journal, run).at_work == []
