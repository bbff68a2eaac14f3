"""Carrying runs, with a real journal and hosts that do as they are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ictops.errors import LeaseLost, RunError
from ictops.plans.file import plan_digest
from ictops.plans.model import Gate
from ictops.running import engine as engine_module
from ictops.running.course import Notice
from ictops.running.messages import Event, Order
from ictops.store.journal import Journal
from tests.support.runs import until
from tests.support.scripted import BEGIN, Scripted, engine_of, journalled, small_plan

TWO_WAVES = {"oak": [["oak-1"], ["oak-2", "oak-3"]], "elm": [["elm-1"], ["elm-2"]]}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    yield journal
    journal.close()


@pytest.fixture(autouse=True)
def glance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "GLANCE", 0.01)


def outcomes(journal: Journal, run: str) -> dict[str, str | None]:
    return {h.host: h.outcome for h in journal.hosts(run)}


def decided(journal: Journal, run: str, what: str) -> list[tuple[str | None, str]]:
    return [(d.site, d.detail) for d in journal.decisions(run) if d.what == what]


def test_a_health_check_that_fails_stops_its_site_and_no_other(journal: Journal) -> None:
    def ends(order: Order, host: str) -> str:
        return "failed" if (order.kind, host) == ("health", "oak-1") else "changed"

    executor = Scripted(ends)
    plan = small_plan(TWO_WAVES, gate=Gate(health="h.yml", run_failures=1))
    engine = engine_of(journal, plan, executor)
    assert engine.carry() == "finished"
    run = engine.lease.run_id
    assert outcomes(journal, run) == {
        "oak-1": "failed", "oak-2": "deferred", "oak-3": "deferred",
        "elm-1": "changed", "elm-2": "changed",
    }  # fmt: skip
    assert {s.site: s.state for s in journal.sites(run)} == {"oak": "stopped", "elm": "done"}
    assert [o.playbook for o in executor.orders if o.site == "oak"] == [
        "/nowhere/play.yml",
        "h.yml",
    ]


@pytest.mark.parametrize("others", ["failed", "unreachable"])
def test_who_comes_to_no_turn_as_all_others_failed_is_done_by_itself(
    journal: Journal, others: str
) -> None:
    """As Ansible does where a play's hosts all fail: switches after PCs that are off."""

    def ends(order: Order, host: str) -> str:
        if host != "oak-sw":
            return others
        return "dropped" if len(order.hosts) > 1 else "changed"

    executor = Scripted(ends)
    plan = small_plan(
        {"oak": [["oak-1", "oak-2", "oak-sw"]]}, gate=Gate(site_failures=2, run_failures=2)
    )
    engine = engine_of(journal, plan, executor)
    engine.carry()
    assert outcomes(journal, engine.lease.run_id) == {
        "oak-1": others, "oak-2": others, "oak-sw": "changed",
    }  # fmt: skip
    assert [order.hosts for order in executor.orders[:2]] == [
        ["oak-1", "oak-2", "oak-sw"], ["oak-sw"],
    ]  # fmt: skip


def test_who_is_dropped_for_no_reason_has_failed(journal: Journal) -> None:
    executor = Scripted(lambda _order, _host: "dropped")
    engine = engine_of(journal, small_plan({"oak": [["oak-1"]]}), executor)
    engine.carry()
    (host,) = journal.hosts(engine.lease.run_id)
    assert (host.outcome, host.reason) == ("failed", "Ansible dropped it before its end")


def test_the_failures_of_all_sites_together_stop_every_site(journal: Journal) -> None:
    waves = {site: [[f"{site}-1"], [f"{site}-2"], [f"{site}-3"]] for site in ("a", "b", "c")}
    plan = small_plan(waves, gate=Gate(site_failures=1, run_failures=1))
    bad = {"a-2", "b-2"}
    engine = engine_of(journal, plan, Scripted(lambda _o, h: "failed" if h in bad else "ok"))
    engine.carry()
    run = engine.lease.run_id
    assert {s.state for s in journal.sites(run)} == {"stopped"}
    assert journal.site(run, "c").reason == "2 of the run's 9 hosts failed, 1 may"
    assert {h: o for h, o in outcomes(journal, run).items() if h.endswith("3")} == dict.fromkeys(
        ["a-3", "b-3", "c-3"], "deferred"
    )


def test_a_wave_soaks_and_waits_for_a_person(journal: Journal) -> None:
    gate = Gate(soak=timedelta(minutes=30), approval=True)
    plan = small_plan({"oak": TWO_WAVES["oak"]}, gate=gate)
    run = journalled(journal, plan)
    waits: list[str] = []

    def approve(notice: Notice) -> None:
        if notice.what == "wait":
            waits.append(notice.text)
            if "approval" in notice.text:
                journal.open_gate(run, "oak", by="ann", at=BEGIN)

    assert engine_of(journal, plan, Scripted(), run, notice=approve).carry() == "finished"
    assert waits == ["soaking", "waits for approval of the next wave"]
    (tried,) = [d.at for d in journal.decisions(run) if d.what == "wave tried"][:1]
    (passed,) = [d.at for d in journal.decisions(run) if d.what == "gate passed"][:1]
    assert passed - tried >= timedelta(minutes=30)


def test_a_run_that_waits_for_a_person_is_given_back_where_others_carry_it_on(
    journal: Journal,
) -> None:
    plan = small_plan({"oak": TWO_WAVES["oak"]}, gate=Gate(approval=True))
    engine = engine_of(journal, plan, Scripted(), wait_for_windows=False)
    assert engine.carry() == "waiting"
    run = engine.lease.run_id
    journal.open_gate(run, "oak", by="ann", at=BEGIN)
    assert engine_of(journal, plan, Scripted(), run).carry() == "finished"


def test_stragglers_are_woken_and_tried_again_until_they_are_done(journal: Journal) -> None:
    tries: list[str] = []
    woken: list[tuple[str, list[str], int]] = []

    def ends(_order: Order, host: str) -> str:
        tries.append(host)
        return "unreachable" if host == "oak-2" and tries.count(host) < 3 else "changed"

    def wake(site: str, macs: list[str]) -> None:
        woken.append((site, macs, tries.count("oak-2")))

    plan = small_plan({"oak": TWO_WAVES["oak"]})
    macs = {"oak-2": "02:00:00:00:00:02"}
    engine = engine_of(journal, plan, Scripted(ends), macs=macs, wake=wake)
    assert engine.carry() == "finished"
    run = engine.lease.run_id
    assert outcomes(journal, run) == dict.fromkeys(["oak-1", "oak-2", "oak-3"], "changed")
    # When it was found to be off, so that it can boot, and once more before it was tried.
    assert woken == [("oak", ["02:00:00:00:00:02"], n) for n in (1, 1, 2, 2)]
    assert decided(journal, run, "wake-on-LAN") == [("oak", "oak-2")] * 4
    starts = [s.started_at for s in journal.shards(run) if "oak-2" in s.hosts]
    assert all(b - a >= timedelta(minutes=15) for a, b in pairwise(starts))


def test_a_host_that_is_not_tried_again_is_not_woken(journal: Journal) -> None:
    woken: list[str] = []
    plan = small_plan({"oak": [["oak-1"], ["oak-2"]]}, retry_every=timedelta(hours=9))
    engine = engine_of(
        journal, plan, Scripted(lambda _o, h: "unreachable" if h == "oak-2" else "changed"),
        macs={"oak-2": "02:00:00:00:00:02"}, wake=lambda _site, macs: woken.extend(macs),
    )  # fmt: skip
    assert engine.carry() == "finished"
    assert woken == []
    assert outcomes(journal, engine.lease.run_id)["oak-2"] == "unreachable"


def test_told_to_stop_at_once_a_run_is_left_whole_for_the_next(journal: Journal) -> None:
    plan = small_plan(TWO_WAVES)
    executor = Scripted(lambda order, _h: "held" if order.site == "oak" else "changed")
    engine = engine_of(journal, plan, executor)
    stop = threading.Timer(0.2, lambda: engine.stop("waiting", at_once=True))
    stop.start()
    assert engine.carry() == "waiting"
    stop.join()
    run = engine.lease.run_id
    assert executor.cancelled == 1
    assert journal.shards(run, "running") == []
    assert journal.claimed_by("demo", plan.hosts) == []
    assert outcomes(journal, run)["oak-1"] is None
    assert engine_of(journal, plan, Scripted(), run).carry() == "finished"
    assert set(outcomes(journal, run).values()) == {"changed"}


def test_a_pause_lets_the_hosts_finish_that_are_at_work(journal: Journal) -> None:
    plan = small_plan(TWO_WAVES)
    executor = Scripted(lambda _o, _h: "held")
    engine = engine_of(journal, plan, executor)
    run = engine.lease.run_id

    def pause() -> None:
        journal.wish(run, "pause", by="ann", at=BEGIN)
        until(lambda: engine.stopping is not None, 10, "the pause heard")
        executor.let_go()

    pausing = threading.Timer(0.1, pause)
    pausing.start()
    assert engine.carry() == "paused"
    pausing.join()
    assert executor.cancelled == 0
    done = {"oak-1": "changed", "elm-1": "changed", "oak-2": None, "oak-3": None, "elm-2": None}
    assert outcomes(journal, run) == done


def test_a_run_that_is_through_is_finished_whatever_is_asked(journal: Journal) -> None:
    plan = small_plan({"oak": [["oak-1"]]})
    for ending in ("waiting", "paused"):
        run = journalled(journal, plan)
        stop = []

        def hear(notice: Notice, stop: list = stop, ending: str = ending) -> None:
            if notice.what == "site":
                stop[0].stop(ending)

        engine = engine_of(journal, plan, Scripted(), run, notice=hear)
        stop.append(engine)
        assert engine.carry() == "finished"


def test_a_wish_of_the_last_moment_is_not_lost(journal: Journal) -> None:
    plan = small_plan({"oak": TWO_WAVES["oak"]}, gate=Gate(soak=timedelta(hours=1)))
    for wish, ending in (("pause", "paused"), ("cancel", "cancelled")):
        run = journalled(journal, plan)

        def ask(notice: Notice, run: str = run, wish: str = wish) -> None:
            if notice.what == "wait":  # the engine is about to give the run back
                journal.wish(run, wish, by="ann", at=BEGIN)  # type: ignore[arg-type]

        more = {"notice": ask, "wait_for_windows": False}
        assert engine_of(journal, plan, Scripted(), run, **more).carry() == ending
        assert journal.run(run).wish is None


def test_whatever_goes_wrong_nothing_is_left_at_work_and_the_run_is_free(journal: Journal) -> None:
    plan = small_plan(TWO_WAVES)

    class NoMoreProcesses(Scripted):
        def start(self, order: Order) -> None:
            if order.site == "elm":
                raise RunError("no job could be started")
            super().start(order)

    def closed_terminal(notice: Notice) -> None:
        raise BrokenPipeError(notice.text)

    hold = NoMoreProcesses(lambda _o, _h: "held")
    cases = [(hold, {}, RunError)]
    cases += [(Scripted(lambda _o, _h: "held"), {"notice": closed_terminal}, BrokenPipeError)]
    for executor, more, error in cases:
        engine = engine_of(journal, plan, executor, **more)
        with pytest.raises(error):
            engine.carry()
        run = journal.run(engine.lease.run_id)
        assert executor.cancelled == 1
        assert (run.state, run.holder) == ("running", None), "so that it is looked after"
        for shard in journal.shards(run.id, "running"):
            journal.acquire(run.id, at=BEGIN).end_shard(
                shard.id, status="error", reason="", settled=[], at=BEGIN, lost=True
            )


def test_who_lost_the_run_ends_what_he_started_and_writes_nothing(journal: Journal) -> None:
    plan = small_plan({"oak": [["oak-1"]]})
    executor = Scripted(lambda _o, _h: "held")
    engine = engine_of(journal, plan, executor)
    run = engine.lease.run_id

    def take_over() -> None:
        engine.lease.release()
        journal.acquire(run, at=BEGIN)
        executor.let_go()

    taking = threading.Timer(0.1, take_over)
    taking.start()
    with pytest.raises(LeaseLost):
        engine.carry()
    taking.join()
    assert executor.cancelled == 1
    assert outcomes(journal, run) == {"oak-1": None}
    assert journal.is_carried(journal.run(run)), "the new holder keeps it"


def test_a_run_waits_for_hosts_that_another_works_on_and_says_for_which(journal: Journal) -> None:
    plan = small_plan({"oak": [["oak-1"]]})
    other = journal.acquire(journalled(journal, plan), at=BEGIN)
    shard = other.start_shard(
        site="oak", wave=0, kind="work", token="t", hosts=["oak-1"], cluster="demo", at=BEGIN
    )
    assert shard is not None
    said: list[str] = []

    def hear(notice: Notice) -> None:
        if notice.what == "wait":
            said.append(notice.text)
            other.end_shard(shard.id, status="successful", reason="", settled=[], at=BEGIN)

    assert engine_of(journal, plan, Scripted(), notice=hear).carry() == "finished"
    assert said == [f"run {other.run_id} works on these hosts"]


def test_a_run_that_only_looks_waits_for_no_other_and_keeps_none_away(journal: Journal) -> None:
    plan = small_plan({"oak": [["oak-1"]]})
    other = journal.acquire(journalled(journal, plan), at=BEGIN)
    shard = other.start_shard(
        site="oak", wave=0, kind="work", token="t", hosts=["oak-1"], cluster="demo", at=BEGIN
    )
    assert shard is not None
    looking = plan.model_copy(update={"beside": True, "title": "looking"})
    assert plan_digest(looking) != plan_digest(plan)
    assert engine_of(journal, looking, Scripted()).carry() == "finished"
    assert journal.claimed_by("demo", ["oak-1"]) == [other.run_id], "the other's claim stands"


def test_how_far_hosts_are_is_told_until_they_go_on(journal: Journal) -> None:
    said = {
        "step": "fetching",
        "percent": 40,
        "rate": 8e7,
        "remaining": 9,
        "text": "fetching: 40 %",
    }
    told: list[Notice] = []

    class Telling(Scripted):
        """A PC that looks twice how far it is, and once at something that tells nothing of it."""

        def _say(self, order: Order, number: int, host: str, end: str) -> None:
            results = [
                {"ictops_progress": said},
                {"ictops_progress": {"percent": "x"}},
                {"msg": "a"},
            ]
            for place, result in enumerate(results):
                self.reports.put(
                    Event(
                        shard=order.shard, fence=order.fence, counter=50 + place, at=BEGIN,
                        kind="runner_retry", host=host, task="Wait", data={"res": result},
                    )
                )  # fmt: skip
            super()._say(order, number, host, end)

    plan = small_plan({"oak": [["oak-1"]]})
    engine = engine_of(journal, plan, Telling(), notice=told.append)
    assert engine.carry() == "finished"
    progress = [one for one in told if one.what == "progress"]
    assert progress[0] == Notice("oak", "progress", "fetching: 40 %", "oak-1", "fetching", 40)
    assert [one.text for one in progress] == ["fetching: 40 %", ""]


def test_a_shard_is_told_when_its_window_closes(journal: Journal) -> None:
    executor = Scripted()
    engine_of(journal, small_plan({"oak": [["oak-1"]]}), executor).carry()
    assert [order.ends_at for order in executor.orders] == [BEGIN + timedelta(hours=8)]
