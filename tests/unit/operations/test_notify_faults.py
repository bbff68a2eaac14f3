"""A server of messages is down, a clock is wrong, ictops is killed: all of it is still told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ictops.operations import alarms as looking
from ictops.operations import notify
from ictops.operations.notify import deliver, routes_of
from ictops.operations.telling import Telling
from ictops.settings import Settings
from ictops.store.alarm_records import Alarm
from ictops.store.deliveries import SENDING_TAKES, Deliveries
from ictops.store.journal import Journal
from tests.support.journals import NOW
from tests.support.notified import FAILED, STOPPED, TOKEN, one_route, set_up, tell, texts, titles
from tests.support.services import Web

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MORNING = NOW + timedelta(hours=22, minutes=30)
"""07:30 of the next day in London."""


# -- what fails ---------------------------------------------------------------


def test_a_server_that_is_down_for_a_while_hears_of_everything_once_it_is_up(
    journal: Journal, settings: Settings
) -> None:
    web = Web()
    with web.running():
        set_up(settings, one_route(web))
        tell(journal, STOPPED)
    tried: list[timedelta] = []
    failures: list[str] = []

    def pass_by(now: datetime) -> None:
        before = sum(one.tries for one in Deliveries(journal).waiting("demo"))
        failures.extend(deliver(journal, "demo", routes_of(settings), now))
        if sum(one.tries for one in Deliveries(journal).waiting("demo")) > before:
            tried.append(now - NOW)

    for number in range(125):
        pass_by(NOW + number * MINUTE)
    tell(journal, STOPPED, FAILED, at=NOW + 3 * HOUR)
    for number in range(4):
        pass_by(MORNING + number * MINUTE)
    minutes = [int(one / MINUTE) for one in tried]
    in_the_morning = int((MORNING - NOW) / MINUTE)
    assert minutes == [0, 1, 3, 7, 15, 31, 63, 123, in_the_morning], "more and more seldom"
    assert failures != []
    assert all(
        text.startswith("route team: Failed to send JSON") or "refused" in text for text in failures
    )
    assert TOKEN not in "".join(failures)
    waiting = Deliveries(journal).waiting("demo")
    assert [one.urgent for one in waiting] == [True, False]
    with web.running():
        deliver(journal, "demo", routes_of(settings), MORNING + HOUR - MINUTE)
        assert web.asked == []
        deliver(journal, "demo", routes_of(settings), MORNING + HOUR)
    assert [text.partition("\n")[0] for text in texts(web)] == ["URGENT:", "Warnings:"]
    assert Deliveries(journal).waiting("demo") == []


def test_one_route_that_fails_keeps_no_other_from_hearing(
    journal: Journal, settings: Settings, web: Web
) -> None:
    with Web().running() as away:
        pass
    other = f"  - name: other\n    url: json://{web.place}/other\n"
    set_up(settings, one_route(away) + other)
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW)
    assert [one.path for one in web.asked] == ["/other"]
    assert [one.route for one in Deliveries(journal).waiting("demo")] == ["team"]


def test_a_route_that_is_down_is_an_alarm_for_the_others(
    journal: Journal, settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Web().running() as away:
        pass
    set_up(settings, one_route(away) + f"  - name: other\n    url: json://{web.place}/other\n")
    sources = {**looking.SOURCES, "run": lambda *_: [STOPPED]}
    monkeypatch.setattr(looking, "SOURCES", sources)
    for number in range(40):
        Telling(journal, settings).tell(NOW + number * MINUTE, [])
    told = [text for text in texts(web) if "the route team of notify.yml takes no mess" in text]
    assert len(told) == 1


def test_a_clock_that_was_years_ahead_holds_nothing_back(
    journal: Journal, settings: Settings, told: Web
) -> None:
    told.answer = 503
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW + timedelta(days=4000))
    told.answer = 200
    told.asked.clear()
    deliver(journal, "demo", routes_of(settings), NOW)
    assert len(told.asked) == 1


def test_what_is_sent_while_ictops_is_killed_is_sent_once_more_and_nothing_is_lost(
    journal: Journal, settings: Settings, told: Web
) -> None:
    """Killed after the service has taken the message, before that is written down."""
    tell(journal, STOPPED)
    code = (
        "from datetime import datetime; from ictops.operations.notify import deliver, routes_of; "
        "from ictops.settings import load_settings; from ictops.store.journal import Journal; "
        "s = load_settings(); "
        "journal, notify = Journal.open(s.journal_url), routes_of(s); "
        f"deliver(journal, 'demo', notify, datetime.fromisoformat({NOW.isoformat()!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | pythonpath())
    told.then = lambda: process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    told.then = lambda: None
    assert len(told.asked) == 1
    (left,) = Deliveries(journal).waiting("demo")
    assert (left.tries, left.reason) == (1, "")
    deliver(journal, "demo", routes_of(settings), NOW + SENDING_TAKES - MINUTE)
    assert len(told.asked) == 1, "whoever began may still be sending it"
    for number in range(20):
        deliver(journal, "demo", routes_of(settings), NOW + SENDING_TAKES + number * MINUTE)
    assert texts(told) == [texts(told)[0]] * 2
    assert Deliveries(journal).waiting("demo") == []


def test_nobody_hears_of_the_second_while_another_process_sends_the_first(
    journal: Journal, settings: Settings, told: Web
) -> None:
    tell(journal, STOPPED)
    deliveries = Deliveries(journal)
    with pytest.MonkeyPatch.context() as patched:  # as a process that is at it
        patched.setattr(notify, "send", lambda *_, **__: pytest.fail("nobody is told yet"))
        patched.setattr(Deliveries, "claim", lambda *_: False)
        deliver(journal, "demo", routes_of(settings), NOW)
    (first,) = deliveries.waiting("demo")
    assert deliveries.claim(first, NOW)
    tell(journal, STOPPED, Alarm("x", "urgent", "another"), at=NOW + MINUTE)
    deliver(journal, "demo", routes_of(settings), NOW + MINUTE)
    assert told.asked == []
    deliveries.sent(first, NOW + MINUTE)
    deliver(journal, "demo", routes_of(settings), NOW + 2 * MINUTE)
    assert ["another" in title for title in titles(told)] == [True]


def test_a_kill_before_a_message_is_sent_loses_nothing(
    journal: Journal, settings: Settings, told: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(journal, STOPPED)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Deliveries, "claim", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(journal, "demo", routes_of(settings), NOW)
    assert told.asked == []
    deliver(journal, "demo", routes_of(settings), NOW + MINUTE)
    assert len(told.asked) == 1


def pythonpath() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[3])}
