"""Alarms and messages, in each database that can hold a journal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from ictops.store.alarm_records import Alarm, AlarmRecord, Message, News, RouteRecord
from ictops.store.alarms import SETTLES, Alarms
from ictops.store.deliveries import SENDING_TAKES, Decided, Deliveries, Hearing
from ictops.store.journal import Journal
from tests.support.journals import NOW

MINUTE = timedelta(minutes=1)
ALL = Hearing("team", ("urgent", "warning", "info"), None)
STOPPED = Alarm("k3w9ab", "urgent", "a gate stopped it", "oakfield")
FAILED = Alarm("ws-1", "warning", "drift: sudoers", "oakfield", "ws-1")


@pytest.fixture
def alarms(journal: Journal) -> Alarms:
    return Alarms(journal)


@pytest.fixture
def deliveries(journal: Journal) -> Deliveries:
    return Deliveries(journal)


def tell(alarms: Alarms, *said: Alarm, at: datetime = NOW, source: str = "run") -> None:
    alarms.tell("demo", source, said, at)


def standing(alarms: Alarms) -> list[AlarmRecord]:
    return alarms.standing("demo")


def all_in_one(_state: RouteRecord, news: list[News]) -> Decided:
    """Make one message of all that there is."""
    return Decided([Message(True, "title", "text", tuple(news))] if news else [], None)


def heard(
    deliveries: Deliveries, now: datetime = NOW, hearing: Hearing = ALL, *, write: bool = True
) -> list[News]:
    """Give the news for a route, and write them down as told."""
    found: list[News] = []

    def decide(state: RouteRecord, news: list[News]) -> Decided:
        found.extend(news)
        return all_in_one(state, news) if write else Decided([], None)

    deliveries.make("demo", hearing, decide, now)
    return found


def test_what_is_said_again_stays_as_it_is(alarms: Alarms) -> None:
    tell(alarms, STOPPED, FAILED)
    before = standing(alarms)
    tell(alarms, FAILED, STOPPED, at=NOW + MINUTE)
    assert standing(alarms) == before
    assert [(one.key, one.version, one.since) for one in before] == [
        ("k3w9ab", 1, NOW), ("ws-1", 1, NOW),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        Alarm("ws-1", "urgent", "drift: sudoers", "oakfield", "ws-1"),
        Alarm("ws-1", "warning", "drift: sshd", "oakfield", "ws-1"),
        Alarm("ws-1", "warning", "drift: sudoers", "oakfield", "ws-1", basis="another one"),
        Alarm("ws-1", "info", "drift: sudoers", "oakfield", "ws-1", basis="another one"),
    ],
)
def test_what_is_said_otherwise_has_changed(alarms: Alarms, other: Alarm) -> None:
    tell(alarms, FAILED)
    tell(alarms, other, at=NOW + MINUTE)
    (one,) = standing(alarms)
    assert (one.version, one.since, one.changed_at) == (2, NOW, NOW + MINUTE)
    assert (one.severity, one.text) == (other.severity, other.text)


def test_what_is_said_no_longer_has_ended_and_only_of_this_source(alarms: Alarms) -> None:
    tell(alarms, STOPPED, FAILED)
    tell(alarms, STOPPED, source="backup")
    tell(alarms, FAILED, at=NOW + MINUTE)
    assert [(one.source, one.key) for one in standing(alarms)] == [
        ("backup", "k3w9ab"), ("run", "ws-1"),
    ]  # fmt: skip


def test_what_only_its_words_are_new_of_has_not_changed(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, Alarm("a", "info", "2 of 3 failed (run x)", basis="2 of 3"))
    heard(deliveries)
    tell(alarms, Alarm("a", "info", "2 of 3 failed (run y)", basis="2 of 3"), at=NOW + MINUTE)
    (one,) = standing(alarms)
    assert (one.text, one.version, one.changed_at) == ("2 of 3 failed (run y)", 1, NOW)
    assert heard(deliveries, NOW + MINUTE) == []
    tell(alarms, at=NOW + 2 * MINUTE)
    tell(alarms, Alarm("a", "info", "2 of 3 failed (run z)", basis="2 of 3"), at=NOW + 3 * MINUTE)
    assert [one.text for one in standing(alarms)] == ["2 of 3 failed (run z)"]
    assert heard(deliveries, NOW + 3 * MINUTE) == []


@pytest.mark.parametrize("key", ["", "two words", "a\0b", "x" * 65])
def test_a_key_is_a_word(key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        Alarm(key, "info", "x")


def test_two_alarms_of_one_key_are_refused(alarms: Alarms) -> None:
    with pytest.raises(ValueError, match="one key"):
        tell(alarms, FAILED, FAILED)


def test_another_cluster_s_are_not_these(alarms: Alarms) -> None:
    tell(alarms, FAILED)
    alarms.tell("other", "run", [], NOW)
    assert alarms.standing("other") == []
    assert [one.key for one in standing(alarms)] == ["ws-1"]


def test_the_most_urgent_comes_first_and_of_these_the_oldest(alarms: Alarms) -> None:
    tell(alarms, Alarm("a", "info", "x"), Alarm("b", "warning", "x"))
    tell(alarms, Alarm("c", "urgent", "x"), Alarm("d", "warning", "x"), at=NOW + MINUTE, source="2")
    assert [one.key for one in standing(alarms)] == ["c", "b", "d", "a"]


def test_what_is_back_before_its_end_is_told_was_never_away(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, FAILED)
    heard(deliveries)
    for number in range(1, 8):
        tell(alarms, at=NOW + (2 * number - 1) * MINUTE)
        assert heard(deliveries, NOW + (2 * number - 1) * MINUTE) == []
        tell(alarms, FAILED, at=NOW + 2 * number * MINUTE)
        assert heard(deliveries, NOW + 2 * number * MINUTE) == []
    (one,) = standing(alarms)
    assert (one.version, one.since) == (1, NOW)


def test_what_is_back_otherwise_has_changed(alarms: Alarms, deliveries: Deliveries) -> None:
    tell(alarms, FAILED)
    heard(deliveries)
    tell(alarms, at=NOW + MINUTE)
    tell(alarms, Alarm("ws-1", "urgent", "x"), at=NOW + 2 * MINUTE)
    (news,) = heard(deliveries, NOW + 2 * MINUTE)
    assert (news.told, news.alarm.version, news.ended) == ("warning", 2, False)


def test_what_is_back_after_its_end_was_told_begins_anew(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, FAILED)
    heard(deliveries)
    tell(alarms, at=NOW + MINUTE)
    later = NOW + MINUTE + SETTLES
    assert heard(deliveries, later - MINUTE) == []
    (over,) = heard(deliveries, later)
    assert (over.ended, over.told) == (True, "warning")
    assert heard(deliveries, later) == []
    tell(alarms, FAILED, at=later)
    (again,) = heard(deliveries, later)
    assert (again.alarm.since, again.told) == (later, None)


def test_each_is_news_once_until_it_changes(alarms: Alarms, deliveries: Deliveries) -> None:
    tell(alarms, STOPPED, FAILED)
    assert [one.alarm.key for one in heard(deliveries)] == ["k3w9ab", "ws-1"]
    assert heard(deliveries) == []
    tell(alarms, STOPPED, Alarm("ws-1", "warning", "drift: sshd", "oakfield"), at=NOW + MINUTE)
    assert [one.alarm.text for one in heard(deliveries, NOW + MINUTE)] == ["drift: sshd"]
    assert heard(deliveries, NOW + MINUTE) == []


def test_what_is_not_told_yet_stays_news(alarms: Alarms, deliveries: Deliveries) -> None:
    tell(alarms, FAILED)
    assert len(heard(deliveries, write=False)) == 1
    assert len(heard(deliveries)) == 1


def test_a_route_hears_of_its_sites_and_severities_only(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    everywhere = Alarm("tick", "warning", "the journal could not be copied")
    tell(alarms, STOPPED, FAILED, Alarm("e", "urgent", "x", "elmtree"), everywhere)

    def keys(*hearing: Any) -> list[str]:
        return [one.alarm.key for one in heard(deliveries, hearing=Hearing(*hearing))]

    assert keys("urgent", ("urgent",), None) == ["k3w9ab", "e"]
    assert keys("elmtree", ("urgent", "warning"), ["elmtree"]) == ["e"]
    assert keys("oak", ("urgent", "warning"), ("oakfield",)) == ["k3w9ab", "ws-1"]
    assert keys("all", ("urgent", "warning"), None) == ["k3w9ab", "ws-1", "e", "tick"]


def test_who_heard_of_an_alarm_hears_what_becomes_of_it(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    urgent = Hearing("team", ("urgent",), None)
    tell(alarms, STOPPED)
    heard(deliveries, hearing=urgent)
    tell(alarms, Alarm("k3w9ab", "info", "a person looks at it", "oakfield"), at=NOW + MINUTE)
    (news,) = heard(deliveries, NOW + MINUTE, urgent)
    assert (news.told, news.alarm.severity) == ("urgent", "info")
    tell(alarms, at=NOW + 2 * MINUTE)
    (over,) = heard(deliveries, NOW + 2 * MINUTE + SETTLES, urgent)
    assert over.ended


def test_a_new_route_hears_what_stands_and_not_what_was(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, STOPPED, FAILED)
    tell(alarms, STOPPED, at=NOW + MINUTE)
    later = NOW + SETTLES + 2 * MINUTE
    assert [one.alarm.key for one in heard(deliveries, later)] == ["k3w9ab"]
    tell(alarms, STOPPED, FAILED, at=later)
    tell(alarms, STOPPED, at=later + MINUTE)
    (was,) = heard(deliveries, later + MINUTE + SETTLES)
    assert (was.alarm.key, was.told, was.ended) == ("ws-1", None, True)


def test_a_message_is_sent_by_one_and_again_if_that_one_is_lost(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, FAILED)
    heard(deliveries)
    (one,) = deliveries.waiting("demo")
    assert (one.tries, one.next_try_at, one.urgent, one.title) == (0, NOW, True, "title")
    assert deliveries.claim(one, NOW)
    assert not deliveries.claim(one, NOW), "as another process sees it that looked before"
    (claimed,) = deliveries.waiting("demo")
    assert (claimed.tries, claimed.next_try_at) == (1, NOW + SENDING_TAKES)
    deliveries.failed(claimed, "it is away", NOW + MINUTE)
    (failed,) = deliveries.waiting("demo")
    assert (failed.reason, failed.next_try_at) == ("it is away", NOW + MINUTE)
    assert deliveries.claim(failed, NOW + MINUTE)
    deliveries.sent(failed, NOW + MINUTE)
    assert deliveries.waiting("demo") == []


def test_what_was_for_a_route_that_is_gone_is_dropped(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, FAILED)
    heard(deliveries)
    deliveries.keep_only("other", [], NOW)
    assert len(deliveries.waiting("demo")) == 1
    deliveries.keep_only("demo", ["team"], NOW)
    assert len(deliveries.waiting("demo")) == 1
    deliveries.keep_only("demo", ["another"], NOW)
    assert deliveries.waiting("demo") == []


def at_once(url: str, times: int, do: Callable[[Journal], None]) -> None:
    barrier = Barrier(times)

    def one(_: int) -> None:
        journal = Journal.open(url)
        barrier.wait()
        try:
            do(journal)
        finally:
            journal.close()

    with ThreadPoolExecutor(times) as pool:
        list(pool.map(one, range(times)))


def test_several_at_once_tell_nothing_twice(url: str, journal: Journal) -> None:
    said = [Alarm(f"ws-{n}", "warning", "drift", "oakfield", f"ws-{n}") for n in range(50)]

    def both(own: Journal) -> None:
        Alarms(own).tell("demo", "drift", said, NOW)
        Deliveries(own).make("demo", ALL, all_in_one, NOW)

    at_once(url, 6, both)
    assert len(Alarms(journal).standing("demo")) == 50
    assert len(Deliveries(journal).waiting("demo")) == 1


def test_several_at_once_send_a_message_once(url: str, journal: Journal) -> None:
    Alarms(journal).tell("demo", "drift", [FAILED], NOW)
    Deliveries(journal).make("demo", ALL, all_in_one, NOW)
    claimed: list[bool] = []

    def claim(own: Journal) -> None:
        mine = Deliveries(own)
        due = [one for one in mine.waiting("demo") if one.next_try_at <= NOW]
        claimed.extend(mine.claim(one, NOW) for one in due)

    at_once(url, 6, claim)
    assert claimed.count(True) == 1


def test_what_is_old_is_pruned_and_what_stands_or_waits_is_not(
    alarms: Alarms, deliveries: Deliveries
) -> None:
    tell(alarms, STOPPED, FAILED)
    heard(deliveries)
    tell(alarms, STOPPED, at=NOW + MINUTE)
    later = NOW + timedelta(days=200)
    assert (alarms.prune(NOW), deliveries.prune(later)) == (0, 0)
    (waiting,) = deliveries.waiting("demo")
    deliveries.sent(waiting, NOW + MINUTE)
    assert (alarms.prune(later), deliveries.prune(later)) == (1, 1)
    assert [one.key for one in standing(alarms)] == ["k3w9ab"]
    assert heard(deliveries, later) == [], "what was told stays told"


def test_a_text_of_a_device_is_kept_whatever_it_holds(alarms: Alarms) -> None:
    tell(alarms, Alarm("k", "info", "a\0b \N{SNOWMAN}\u202e" + "x" * 5000))
    tell(alarms, Alarm("k", "info", "a\0b \N{SNOWMAN}\u202e" + "x" * 5000), at=NOW + MINUTE)
    assert [one.version for one in standing(alarms)] == [1]
