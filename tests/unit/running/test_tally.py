from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ictops.running.messages import Event
from ictops.running.tally import MARKER_TASK, tally

NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)


def event(kind: str, task: str = "install", host: str = "pc", **data: Any) -> Event:
    return Event(
        shard=1, fence=1, counter=1, at=NOW, kind=f"runner_on_{kind}", host=host, task=task,
        data=data,
    )  # fmt: skip


END = event("ok", MARKER_TASK)


def test_a_host_that_reached_its_end_is_ok_or_changed() -> None:
    assert tally([event("ok"), END]).outcome("pc") == ("ok", "")
    assert tally([event("ok", res={"changed": True}), END]).outcome("pc") == ("changed", "")


def test_a_host_that_was_dropped_in_the_middle_has_no_outcome() -> None:
    assert tally([event("ok", res={"changed": True})]).outcome("pc") is None
    assert tally([event("start")]).hosts["pc"].busy_with == "install"


def test_a_failure_that_was_rescued_is_none() -> None:
    assert tally([event("failed", res={"msg": "no"}), END]).outcome("pc") == ("ok", "")


def test_a_failure_says_why() -> None:
    failed = tally([event("failed", res={"msg": "disk full"})])
    assert failed.outcome("pc") == ("failed", "install: disk full")
    assert tally([event("failed", res={"msg": "x"}, ignore_errors=True)]).outcome("pc") is None


def test_a_role_may_say_that_it_is_too_early() -> None:
    stats = {"data": {"ictops_outcome": "deferred", "ictops_reason": "anna logged on"}}
    said = tally([event("ok", res={"ansible_stats": stats}), END])
    assert said.outcome("pc") == ("deferred", "anna logged on")


def test_a_host_may_not_call_itself_ok() -> None:
    stats = {"data": {"ictops_outcome": "ok"}}
    assert tally([event("ok", res={"ansible_stats": stats})]).outcome("pc") is None


def test_a_host_that_no_play_is_for_is_skipped() -> None:
    outcome = tally([END]).outcome("pc")
    assert outcome is not None
    assert outcome[0] == "skipped"


def test_a_task_that_fails_and_says_deferred_leaves_its_host_for_later() -> None:
    result = {"ictops_outcome": "deferred", "msg": "it is off"}
    assert tally([event("failed", res=result)]).outcome("pc") == ("deferred", "it is off")
    other = {"ictops_outcome": "skipped", "msg": "no"}
    assert tally([event("failed", res=other)]).outcome("pc") == ("failed", "install: no")


def test_what_was_ignored_leaves_no_host_for_later() -> None:
    ignored = event("failed", res={"ictops_outcome": "deferred", "msg": "x"}, ignore_errors=True)
    assert tally([ignored, event("failed", res={"msg": "y"})]).outcome("pc") == (
        "failed",
        "install: y",
    )


def test_a_task_that_fails_and_says_ok_has_found_its_host_done() -> None:
    done = event("ok", res={"ictops_outcome": "ok", "msg": "as it was"})
    assert tally([done]).outcome("pc") == ("ok", "")
    ours = tally([event("ok", res={"changed": True}, host="other"), done])
    assert ours.outcome("other") is None
    assert ours.outcome("pc") == ("ok", "")
