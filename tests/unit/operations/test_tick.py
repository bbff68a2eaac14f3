"""Which runs a tick takes up, and which it leaves alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ictops.calendars.window import Window
from ictops.operations import tick
from ictops.operations.drift import OPERATION
from ictops.operations.telling import Telling
from ictops.operations.tick import Tick, due
from ictops.plans.model import Gate
from ictops.settings import Settings
from ictops.store.alarms import Alarms
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import Ending, Settled
from tests.support.compared import VLAN, carried
from tests.support.scripted import BEGIN, journalled, small_plan
from tests.support.services import Web

HOUR = timedelta(hours=1)
TWO_DAYS = [Window(BEGIN + d * 24 * HOUR, BEGIN + (d * 24 + 8) * HOUR) for d in (0, 1)]
WAVES = {"oak": [["oak-1"], ["oak-2"]]}


def begun(journal: Journal, gate: Gate | None = None) -> str:
    return journalled(journal, small_plan(WAVES, windows=TWO_DAYS, gate=gate))


def settle(journal: Journal, run: str, *settled: Settled, at: datetime = BEGIN) -> Lease:
    """Write down how far an earlier tick came; the caller lets the lease go."""
    lease = journal.acquire(run, at=at)
    lease.record([], settled, at=at)
    return lease


@pytest.mark.parametrize(
    ("hours", "is_due"), [(-0.1, False), (0, True), (7.9, True), (8, False), (24, True), (33, True)]
)
def test_a_run_is_due_in_its_windows_and_once_they_are_over(
    journal: Journal, settings: Settings, hours: float, is_due: bool
) -> None:
    run = begun(journal)
    assert due(journal, settings, BEGIN + hours * HOUR) == ([run] if is_due else [])


def test_a_run_whose_last_window_is_too_short_for_a_host_is_left_alone(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    assert due(journal, settings, TWO_DAYS[1].end - timedelta(seconds=61)) == [run]
    assert due(journal, settings, TWO_DAYS[1].end - timedelta(seconds=59)) == []


def test_a_straggler_is_due_when_it_is_to_be_tried_again(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    again = BEGIN + timedelta(minutes=15)
    done = [Settled("oak-1", "ended", "ok"), Settled("oak-2", "pending", "unreachable", "", again)]
    lease = settle(journal, run, *done)
    lease.update_site("oak", "x", "", at=BEGIN, passed=2)
    lease.let_go("waiting", "", at=BEGIN)
    assert due(journal, settings, again - timedelta(seconds=1)) == []
    assert due(journal, settings, again) == [run]


def test_a_wave_that_soaks_or_waits_for_a_person_is_left_alone(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal, Gate(soak=HOUR, approval=True))
    lease = settle(journal, run, Settled("oak-1", "ended", "ok"))
    lease.update_site("oak", "x", "", at=BEGIN, settled_at=BEGIN)
    lease.let_go("waiting", "", at=BEGIN)
    assert due(journal, settings, BEGIN + 0.9 * HOUR) == []
    assert due(journal, settings, BEGIN + HOUR) == []
    journal.open_gate(run, "oak", by="ann", at=BEGIN)
    assert due(journal, settings, BEGIN + HOUR) == [run]


def test_a_run_of_which_only_the_end_is_unwritten_is_due(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    lease = settle(journal, run)
    lease.end_site("oak", "done", "", [], at=BEGIN)
    lease.let_go("waiting", "", at=BEGIN)
    assert due(journal, settings, BEGIN) == [run]


def test_a_paused_run_is_left_alone_until_it_is_resumed(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    journal.acquire(run, at=BEGIN).let_go("paused", "", at=BEGIN)
    assert due(journal, settings, BEGIN) == []
    journal.go_on(run, by="ann", at=BEGIN)
    assert due(journal, settings, BEGIN) == [run]


def test_a_run_whose_process_was_lost_is_looked_after_in_any_hour(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    lease = journal.acquire(run, at=BEGIN)
    assert due(journal, settings, BEGIN + 10 * HOUR) == [], "a living process carries it"
    lease.release()
    assert due(journal, settings, BEGIN + 10 * HOUR) == [run]


def test_a_run_that_cannot_be_carried_is_told_and_is_nobody_s(
    journal: Journal, settings: Settings
) -> None:
    """Its cluster is not there; but another tick may find it put right."""
    run = begun(journal)
    work = Tick(journal, settings)
    work.run()
    assert work.carried == [run]
    (error,) = work.errors
    assert error.startswith(f"run {run}: ")
    assert journal.run(run).holder is None


def test_one_tick_acts_at_a_time(journal: Journal, settings: Settings, tmp_path: Path) -> None:
    begun(journal)
    code = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "state" / "tick.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    other.stdout.readline()
    work = Tick(journal, settings)
    work.run()
    assert (work.carried, work.errors) == ([], [])
    other.kill()
    other.communicate()
    work.run()
    assert work.carried != []


def test_a_run_that_a_tick_ends_leaves_what_it_was_for(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, paused = (
        journalled(journal, small_plan(waves).model_copy(update={"operation": OPERATION}))
        for waves in (WAVES, {"elm": [["elm-1"]]})
    )

    def fake(_: object, run_id: str, *__: object, **___: object) -> Ending:
        ending: Ending = "finished" if run_id == run else "paused"
        host = "oak-1" if run_id == run else "elm-1"
        carried(journal, run_id, {host: VLAN}, BEGIN, ending)
        return ending

    settings.cluster_dir.mkdir(parents=True)
    monkeypatch.setattr(tick, "carry", fake)
    monkeypatch.setattr(tick, "due", lambda *_: [run, paused] if not ticking.carried else [])
    ticking = Tick(journal, settings)
    ticking.run()
    assert (sorted(ticking.carried), ticking.errors) == (sorted([run, paused]), [])
    assert [(one.host, one.run_id) for one in Drifts(journal).newest("demo")] == [("oak-1", run)]


def test_a_tick_tells_people_and_monitors_also_while_runs_are_at_work(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is urgent must not wait for the end of a rollout that takes all night."""
    run = begun(journal)
    told = threading.Event()
    beats: list[bool] = []

    def fake(*_: object, **__: object) -> Ending:
        assert told.wait(30), "nobody was told while the run was at work"
        return "waiting"

    def tell(_self: object, _now: datetime, _errors: list[str]) -> list[str]:
        if ticking.carried:
            told.set()
        return ["route team: it is away"]

    monkeypatch.setattr(tick, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(tick, "carry", fake)
    monkeypatch.setattr(tick, "due", lambda *_: [run] if not ticking.carried else [])
    monkeypatch.setattr(Telling, "tell", tell)
    monkeypatch.setattr(Telling, "say_alive", lambda *_, failing: beats.append(failing))
    ticking = Tick(journal, settings)
    ticking.run()
    assert ticking.errors == ["route team: it is away"], "however often it was said"
    assert len(beats) > 1
    assert all(beats)


def test_what_a_long_tick_gets_over_is_no_failure_any_more(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(journal)
    beats: list[bool] = []
    over = threading.Event()

    def fake(*_: object, **__: object) -> Ending:
        assert over.wait(30), "nobody was told while the run was at work"
        return "waiting"

    def tell(_self: object, _now: datetime, errors: list[str]) -> list[str]:
        assert errors == []
        return ["route team: it is away"] if len(beats) < 2 else []

    def beat(*_: object, failing: bool) -> None:
        beats.append(failing)
        if len(beats) > 3:
            over.set()

    monkeypatch.setattr(tick, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(tick, "carry", fake)
    monkeypatch.setattr(tick, "due", lambda *_: [run] if not ticking.carried else [])
    monkeypatch.setattr(Telling, "tell", tell)
    monkeypatch.setattr(Telling, "say_alive", beat)
    ticking = Tick(journal, settings)
    ticking.run()
    assert beats[:4] == [True, True, False, False]
    assert ticking.errors == ["route team: it is away"], "as the log and the exit code have it"


def test_a_tick_that_is_told_to_stop_leaves_telling_to_the_next(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(*_: object) -> list[str]:
        pytest.fail("there is little time")

    monkeypatch.setattr(Telling, "tell", tell)
    ticking = Tick(journal, settings)
    ticking.stop()
    ticking.run()


def test_a_tick_writes_metrics_where_the_settings_name_a_file(
    journal: Journal, settings: Settings, tmp_path: Path
) -> None:
    with_file = settings.model_copy(update={"metrics_file": Path("ictops.prom")})
    Tick(journal, with_file).run()
    assert "ictops_last_tick_timestamp_seconds" in (tmp_path / "ictops.prom").read_text()
    (tmp_path / "ictops.prom").unlink()
    (tmp_path / "ictops.prom").mkdir()
    ticking = Tick(journal, with_file)
    ticking.run()
    (error,) = ticking.errors
    assert "the metrics cannot be written" in error


def test_a_tick_that_fails_is_told_to_people_and_to_the_monitor(
    journal: Journal, settings: Settings
) -> None:
    run = begun(journal)
    with Web().running() as web:
        folder = settings.cluster_dir
        folder.mkdir(parents=True)
        (folder / "notify.yml").write_text(f"heartbeat: http://{web.place}/beat\n")
        Tick(journal, settings).run()
        assert [one.path for one in web.asked] == ["/beat/fail"]
    (alarm,) = Alarms(journal).standing("demo")
    assert alarm.text.startswith(f"ictops tick: run {run}: ")
