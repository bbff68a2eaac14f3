"""What a run in check mode says of each host, from its events."""

from __future__ import annotations

from typing import Any

import pytest

from ictops.operations.drift_results import HIDDEN, NO_DIFF, Result, results_of
from ictops.running.messages import CUT, Event
from ictops.running.outcomes import event_row, settle_event
from ictops.running.tally import MARKER_TASK, Tally
from ictops.store.journal import Journal
from tests.support.journals import NOW, make_run, start

MOTD = {
    "changed": True,
    "dest": "/etc/motd",
    "diff": {"before": "a\nold\n", "after": "a\nnew\n", "after_header": "x"},
}
TAKEN = {"changed": False, "ictops_fingerprint": {"digest": "f" * 64, "parts": {}}}
SAME = TAKEN | {"ictops_outcome": "ok"}
END = (MARKER_TASK, {"msg": "done"}, {})
Said = tuple[str, dict[str, Any], dict[str, Any]]


def heard(journal: Journal, **by_host: list[Said]) -> dict[str, Result]:
    """Carry a run whose tasks say this of each host: task, result, and more of the event."""
    run_id = make_run(journal, list(by_host))
    lease = journal.acquire(run_id, at=NOW)
    shard = start(lease, list(by_host), token=run_id)
    assert shard is not None
    tally = Tally()
    counter = 0
    for host, tasks in by_host.items():
        for task, result, more in tasks:
            counter += 1
            bad = next((word for word in ("unreachable", "failed") if result.get(word)), "ok")
            event = Event(
                shard=shard.id, fence=lease.fence, counter=counter, at=NOW, host=host, task=task,
                kind=f"runner_on_{bad}", data={"res": result, "role": "r", **more},
            )  # fmt: skip
            ended = tally.add(event)
            settled = settle_event(tally, shard, ended, NOW) if ended else []
            lease.record([event_row(event)], settled, at=NOW)
    unsettled = [
        one for host in by_host for one in settle_event(tally, shard, host, NOW)
    ]  # as at the end of a shard
    lease.end_shard(shard.id, status="successful", reason="", settled=unsettled, at=NOW)
    return {one.checked.host: one for one in results_of(journal, run_id)}


def items(result: Result) -> dict[str, str]:
    return {one.item: one.text for one in result.checked.differing}


def test_a_host_is_one_of_four_whatever_else_was_found(journal: Journal) -> None:
    task: Said = ("Write it", MOTD, {})
    found = heard(
        journal,
        clean=[("Write it", {"changed": False}, {}), END],
        drift=[task, END],
        error=[task, ("Fail", {"failed": True, "msg": "no space"}, {})],
        gone=[task, ("Connect", {"unreachable": True, "msg": "timed out"}, {})],
    )
    assert {host: one.checked.state for host, one in found.items()} == {
        "clean": "clean", "drift": "drift", "error": "error", "gone": "unreachable",
    }  # fmt: skip
    assert items(found["drift"]) == {"r : Write it : /etc/motd": "- old\n+ new"}
    assert "no space" in found["error"].checked.message
    assert items(found["error"]) == items(found["gone"]) == {}


def test_a_host_that_is_as_it_was_is_clean_and_was_passed_over(journal: Journal) -> None:
    found = heard(
        journal,
        same=[("Compare", SAME, {})],
        other=[("Compare", TAKEN, {}), ("Write it", {"changed": False}, {}), END],
    )
    assert (found["same"].checked.state, found["same"].passed_over) == ("clean", True)
    assert (found["other"].checked.state, found["other"].passed_over) == ("clean", False)
    assert found["same"].fingerprint == found["other"].fingerprint == "f" * 64


def test_what_a_module_looks_for_at_first_is_not_told_again_by_what_follows(
    journal: Journal,
) -> None:
    looked = {"changed": False, "differs": [{"what": "hello", "before": "1", "after": "2"}]}
    own = {"changed": True, "differs": [{"what": "port", "before": "open", "after": ""}]}
    apt = {"changed": True, "diff": {"prepared": "1 upgraded"}}
    found = heard(
        journal,
        looks=[("Look", looked, {}), ("Install", apt, {}), END],
        tells=[("Ports", own, {}), ("Install", apt, {}), END],
        reload=[("Write it", MOTD, {}), ("Reload it", {"changed": True}, {"handler": True}), END],
    )
    assert items(found["looks"]) == {"r : hello": "- 1\n+ 2"}
    assert items(found["tells"]) == {"r : port": "- open", "r : Install": "1 upgraded"}
    assert list(items(found["reload"])) == ["r : Write it : /etc/motd"]


def test_each_item_of_a_loop_is_its_own_and_hosts_own_names_do_not_matter(
    journal: Journal,
) -> None:
    def loop(host: str) -> Said:
        results = [
            {"changed": True, "name": "a.service", "item": {"name": "a.service", "enabled": True}},
            {"changed": False, "name": "b.service"},
            {"changed": True, "item": "x", "censored": "hidden"},
            {"changed": True, "name": host, "diff": [{"before": f"I am {host}", "after": ""}]},
            CUT,
        ]
        return "Set", {"changed": True, "results": results}, {}

    found = heard(journal, one=[loop("one"), END], two=[loop("two"), END])
    assert items(found["one"]) == {
        "r : Set : a.service": f"{NO_DIFF}\n+ enabled: true\n+ name: a.service",
        "r : Set : x": HIDDEN,
        "r : Set : <host>": "- I am <host>",
        f"r : Set : {CUT}": NO_DIFF,
    }
    assert found["one"].checked.differing == found["two"].checked.differing


@pytest.mark.parametrize("results", [[], "text", [{"changed": True}]])
def test_a_change_is_never_clean_for_want_of_words(journal: Journal, results: object) -> None:
    found = heard(journal, pc=[("Set", {"changed": True, "results": results}, {}), END])
    assert found["pc"].checked.state == "drift"
    assert NO_DIFF in next(iter(items(found["pc"]).values()))
