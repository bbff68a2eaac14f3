"""From ansible-runner's events to reports: nothing secret, nothing that no journal takes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ictops.running.job import LONGEST, Reporter, as_event
from ictops.running.local import parse_report
from ictops.running.messages import CUT, Ended, Event, Order
from ictops.running.tally import MARKER_TASK, STEERING, Tally
from ictops.trust.redact import REPLACEMENT, Redactor

ORDER = Order(
    run="r", shard=7, attempt=1, fence=2, token="r-1", site="oakfield",
    inventory="oakfield.yml", playbook="site.yml", hosts=["ws-01"], forks=1,
)  # fmt: skip


def raw(kind: str = "runner_on_ok", **data) -> dict:
    about = {"host": "ws-01", "task": "a task", **data}
    return {"event": kind, "event_data": about, "created": "2026-10-26T10:00:00.5"}


def event(secrets: list[str], **data) -> Event:
    made = as_event(raw(**data), ORDER, 1, Redactor(secrets, spared=STEERING))
    assert made is not None
    assert parse_report(made.model_dump_json()) == made, "it can be handed on"
    return made


def test_secrets_in_names_keys_numbers_and_depths():
    made = event(
        ["wren-4711", "1234", "n1234", "ends\\"],
        task="say wren-4711",
        play="for wren-4711",
        res={
            "msg": ["a\n1234", {"deep": ("wren-4711",)}],
            "wren-4711": 1,
            "pin": 1234,
            "rc": 0,
            "cmd": 'say "ends\\" n1234',
            "changed": True,
        },
    )
    assert made.task == f"say {REPLACEMENT}"
    assert made.data["play"] == f"for {REPLACEMENT}"
    assert made.data["res"] == {
        "msg": [f"a\n{REPLACEMENT}", {"deep": [REPLACEMENT]}],
        REPLACEMENT: 1,
        "pin": REPLACEMENT,
        "rc": 0,
        "cmd": f'say "{REPLACEMENT}" {REPLACEMENT}',
        "changed": True,
    }


def test_a_vault_that_holds_ordinary_words_does_not_blind_the_run():
    words = ["changed", "ansible_stats", "data", "deferred", "host", "reached", "ok", "ws-01"]
    tally = Tally()
    stats = {"data": {"ictops_outcome": "deferred", "ictops_reason": "in use"}}
    tally.add(event(words, res={"changed": True, "ansible_stats": stats}))
    tally.add(event(words, task=MARKER_TASK, res={}))
    assert tally.outcome("ws-01") == ("deferred", "in use")


def test_a_secret_at_the_cut_of_a_long_text():
    text = "x" * (LONGEST - 5) + "wren-4711" + "y" * 9
    said = event(["wren-4711"], res={"stdout": text}).data["res"]["stdout"]
    assert "wren" not in said
    assert said.endswith(f"{REPLACEMENT}… (cut)")


def test_what_no_journal_could_hold():
    made = event([], task="t\x00\udcff", res={"stdout": "a\x00b\udcffc", "\udcfe": None})
    assert made.data["res"] == {"stdout": "a\N{REPLACEMENT CHARACTER}b?c", "?": None}


@pytest.mark.parametrize("kind", ["error", "warning"])
def test_ansibles_own_words(kind):
    told = {"event": kind, "stdout": "[ERROR]: no wren-4711 here", "event_data": {}}
    made = as_event(told, ORDER, 1, Redactor(["wren-4711"]))
    assert made is not None
    assert made.data["text"] == f"[ERROR]: no {REPLACEMENT} here"


def test_why_a_shard_failed_is_told_without_its_secret(tmp_path: Path):
    out, spool = io.StringIO(), io.StringIO()
    reporter = Reporter(ORDER, Redactor(["wren-4711"]), spool, out)
    assert reporter.on_event({"event": "verbose", "stdout": "ERROR! wren-4711"}) is False
    assert list(reporter.lines) == ["ERROR! wren-4711"]
    reason = "x" * 1995 + "wren-4711"
    reporter.say(Ended(shard=7, fence=2, status="error", reason=reason))
    for stream in (out, spool):
        (line,) = stream.getvalue().splitlines()
        said = parse_report(line)
        assert isinstance(said, Ended)
        assert said.reason.startswith("x" * 1995)
        assert "wren" not in said.reason


def test_a_long_list_of_lines_is_cut_like_a_text_and_says_so():
    lines = ["x" * 100] * 1000
    kept = event([], res={"difference": lines, "commands": lines[:150]}).data["res"]
    assert kept["commands"] == lines[:150]
    assert kept["difference"] == [*lines[: LONGEST // 100], CUT]
    assert event([], res={"lines": ["x" * 2 * LONGEST, "y"]}).data["res"]["lines"] == [
        "x" * LONGEST + CUT, CUT,
    ]  # fmt: skip
    assert event([], res={"lines": []}).data["res"]["lines"] == []


def test_a_host_that_a_task_found_done_is_no_failure():
    said = event([], kind="runner_on_failed", res={"ictops_outcome": "ok", "msg": "as it was"})
    assert said.kind == "runner_on_ok"
    later = event([], kind="runner_on_failed", res={"ictops_outcome": "deferred"})
    assert later.kind == "runner_on_failed"


def test_whose_task_it_is_and_whether_it_is_a_handler():
    told = event([], role="baseline", task_path="/roles/baseline/handlers/main.yml:3", res={})
    assert told.data == {"role": "baseline", "handler": True, "res": {}}
    told = event([], role="baseline", task_path="/roles/baseline/tasks/main.yml:3", res={})
    assert told.data == {"role": "baseline", "res": {}}
