from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ictops.calendars.window import Window
from ictops.estate.models import Place
from ictops.plans.model import Gate
from ictops.running.decide import (
    Close,
    Pass,
    RunView,
    Settle,
    SiteView,
    Start,
    Wait,
    allowed,
    decide,
)
from ictops.settings import Limits
from ictops.store.records import HostRecord, SiteRecord

NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
OPEN = [Window(NOW - timedelta(hours=1), NOW + timedelta(hours=8))]


def host(name: str, wave: int = 0, outcome: str | None = None, **more: object) -> HostRecord:
    straggler = outcome in {"unreachable", "deferred"}
    state = "pending" if outcome is None or straggler else "ended"
    fields: dict[str, object] = {
        "run_id": "r", "host": name, "site": "oak", "wave": wave, "state": state,
        "outcome": outcome, "reason": "", "tries": 0 if outcome is None else 1,
        "started_at": None, "ended_at": None,
        "next_try_at": NOW + timedelta(minutes=15) if straggler else None,
    }  # fmt: skip
    return HostRecord(**{**fields, **more})  # type: ignore[arg-type]


def site(*hosts: HostRecord, passed: int = 0, waves: int = 2, **more: object) -> SiteView:
    record = {"state": "open", "reason": "", "checked": 0, "approved": 0, "settled_at": None}
    windows = more.pop("windows", OPEN)
    busy = bool(more.pop("busy", False))
    record |= more
    return SiteView(
        SiteRecord("r", "oak", passed=passed, **record),  # type: ignore[arg-type]
        hosts, waves, windows, {}, busy,  # type: ignore[arg-type]
    )  # fmt: skip


def run(**more: object) -> RunView:
    fields: dict[str, object] = {
        "gate": Gate(), "limits": Limits(), "batch_seconds": 600.0, "hosts": 40, "failed": 0,
        "working": 0,
    }  # fmt: skip
    return RunView(**{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("budget", "hosts", "may"), [(3, 10, 3), ("10%", 29, 2), ("0%", 9, 0)])
def test_a_budget_is_a_count_or_a_share_rounded_down(budget: int | str, hosts: int, may: int):
    assert allowed(budget, hosts) == may


def test_the_canary_goes_first_and_alone() -> None:
    assert decide(site(host("c"), host("b", 1)), run(), NOW) == Start(0, ["c"])


def test_a_canary_that_fails_stops_the_site_whatever_the_budget() -> None:
    view = site(host("c", 0, "failed"), *[host(f"h{n}", 1) for n in range(50)])
    step = decide(view, run(gate=Gate(site_failures=40)), NOW)
    assert step == Close(stopped=True, reason="canary c failed")


def test_the_next_wave_waits_until_a_canary_could_be_reached() -> None:
    step = decide(site(host("c", 0, "unreachable"), host("b", 1)), run(), NOW)
    assert step == Wait(NOW + timedelta(minutes=15), "no canary could be reached yet")


def test_a_wave_soaks_before_the_next() -> None:
    gate = Gate(soak=timedelta(minutes=10))
    hosts = (host("c", 0, "ok"), host("b", 1))
    assert decide(site(*hosts), run(gate=gate), NOW) == Settle(0)
    soaking = decide(site(*hosts, settled_at=NOW), run(gate=gate), NOW)
    assert soaking == Wait(NOW + timedelta(minutes=10), "soaking")
    later = NOW + timedelta(minutes=10)
    assert decide(site(*hosts, settled_at=NOW), run(gate=gate), later) == Pass(0)


def test_health_is_checked_on_the_hosts_that_went_well() -> None:
    hosts = (host("c", 0, "changed"), host("d", 0, "unreachable"), host("b", 1))
    gate = Gate(health="health.yml")
    step = decide(site(*hosts, settled_at=NOW), run(gate=gate), NOW)
    assert step == Start(0, ["c"], "health")
    assert decide(site(*hosts, settled_at=NOW, checked=1), run(gate=gate), NOW) == Pass(0)


def test_a_gate_may_wait_for_a_person() -> None:
    hosts = (host("c", 0, "ok"), host("b", 1))
    gate = Gate(approval=True)
    step = decide(site(*hosts, settled_at=NOW), run(gate=gate), NOW)
    assert isinstance(step, Wait)
    assert "approval" in step.reason
    assert decide(site(*hosts, settled_at=NOW, approved=1), run(gate=gate), NOW) == Pass(0)


def test_no_host_is_started_that_could_not_end_in_its_window() -> None:
    short = [
        Window(NOW, NOW + timedelta(minutes=9)),
        Window(NOW + timedelta(1), NOW + timedelta(2)),
    ]
    step = decide(site(host("c"), host("b", 1), windows=short), run(), NOW)
    assert step == Wait(NOW + timedelta(1), "waits for its next window: Tue 27 Oct 2026 09:00")


def test_a_run_that_was_missed_never_starts_into_a_closed_window() -> None:
    over = [Window(NOW - timedelta(hours=2), NOW - timedelta(hours=1))]
    step = decide(site(host("c"), host("b", 1), windows=over), run(), NOW)
    assert step == Close(stopped=False, reason="its last window is over")


def test_stragglers_are_tried_until_the_last_window_ends() -> None:
    hosts = (host("c", 0, "ok"), host("b", 1, "unreachable"))
    step = decide(site(*hosts, passed=2), run(), NOW)
    assert isinstance(step, Wait)
    assert step.until == NOW + timedelta(minutes=15)
    due = decide(site(*hosts, passed=2), run(), NOW + timedelta(minutes=15))
    assert isinstance(due, Start)
    assert due.hosts == ["b"]
    assert decide(site(*hosts, passed=2), run(), NOW + timedelta(hours=9)) == Close(
        stopped=False, reason="its last window is over"
    )


def test_the_budget_of_the_whole_run_stops_every_site() -> None:
    hosts = (host("c", 0, "ok"), host("b", 1))
    step = decide(site(*hosts, passed=1), run(failed=5), NOW)
    assert isinstance(step, Close)
    assert step.stopped


def test_limits_of_room_and_run_hold() -> None:
    hosts = [host(f"h{n}", 1) for n in range(6)]
    view = site(host("c", 0, "ok"), *hosts, passed=1)
    places = {f"h{n}": Place("it1") for n in range(5)}
    view = SiteView(view.record, view.hosts, 2, OPEN, places, False)
    step = decide(view, run(limits=Limits(site=10, room=2, total=100)), NOW)
    assert step == Start(1, ["h0", "h1", "h5"])
    full = decide(view, run(limits=Limits(total=10), working=10), NOW)
    assert isinstance(full, Wait)
