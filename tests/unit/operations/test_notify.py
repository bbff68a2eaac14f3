"""Telling people: each alarm once, though services fail, clocks jump and ictops is killed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ictops.errors import NotifyError, NotSent
from ictops.notify.decide import decide
from ictops.operations import alarms as looking
from ictops.operations import notify, telling
from ictops.operations.notify import check_routes, deliver, routes_of, send_test
from ictops.operations.telling import Telling, say_alive
from ictops.settings import Settings
from ictops.store import tables as t
from ictops.store.alarm_records import Alarm, Message, Severity
from ictops.store.alarms import SETTLES, Alarms
from ictops.store.deliveries import Decided, Deliveries
from ictops.store.journal import Journal
from tests.support.journals import NOW
from tests.support.notified import FAILED, STOPPED, TOKEN, one_route, set_up, tell, texts, titles
from tests.support.services import Mail, Web

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MORNING = NOW + timedelta(hours=22, minutes=30)
"""07:30 of the next day in London."""


def test_what_is_urgent_is_told_at_once_and_once(
    journal: Journal, settings: Settings, told: Web
) -> None:
    tell(journal, STOPPED, FAILED)
    for number in range(3):
        assert deliver(journal, "demo", routes_of(settings), NOW + number * MINUTE) == []
    (text,) = texts(told)
    assert text == "URGENT:\n- a gate stopped it (at oakfield; since Mon 26 Oct 09:00)"
    assert Deliveries(journal).waiting("demo") == []


def test_the_rest_is_told_in_the_morning_in_one_message(
    journal: Journal, settings: Settings, told: Web
) -> None:
    tell(journal, STOPPED, FAILED, Alarm("x", "info", "a straggler", "elmtree"))
    deliver(journal, "demo", routes_of(settings), NOW)
    deliver(journal, "demo", routes_of(settings), MORNING - MINUTE)
    assert len(told.asked) == 1
    for number in range(3):
        deliver(journal, "demo", routes_of(settings), MORNING + number * MINUTE)
    assert titles(told)[1:] == ["ictops demo: Tue 27 Oct 2026: 1 warning, 1 info"]
    deliver(journal, "demo", routes_of(settings), MORNING + 24 * HOUR)
    assert len(told.asked) == 2, "there is nothing new"


def test_an_end_is_told_once(journal: Journal, settings: Settings, told: Web) -> None:
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW)
    tell(journal, at=NOW + MINUTE)
    for number in range(1, 30):
        deliver(journal, "demo", routes_of(settings), NOW + number * MINUTE)
    assert len(told.asked) == 2
    assert "over: a gate stopped it" in titles(told)[1]


def test_each_route_hears_what_is_for_it(journal: Journal, settings: Settings, web: Web) -> None:
    with Mail().running() as mail:
        night = '    quiet: "08:00-22:00"\n    summary: "23:00"\n'
        urgent = f"  - name: head\n    url: {mail.url}\n    severity: urgent\n"
        elm = f"  - name: elm\n    url: json://{web.place}/elm\n    sites: [elmtree]\n"
        set_up(settings, one_route(web, night) + urgent + elm)
        tell(journal, STOPPED, FAILED, Alarm("e", "urgent", "elm's alone", "elmtree"))
        assert deliver(journal, "demo", routes_of(settings), NOW) == []
        (got,) = mail.got
        assert got["Subject"] == "ictops demo: URGENT: 2 urgent"
        assert [one.path for one in web.asked] == [f"/{TOKEN}", "/elm"]
        assert "elm's alone" in titles(web)[1]


def test_who_sleeps_hears_of_it_in_the_morning(
    journal: Journal, settings: Settings, web: Web
) -> None:
    set_up(settings, one_route(web, '    quiet: "08:00-07:00"\n    quiet_urgent: true\n'))
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW)
    assert web.asked == []
    deliver(journal, "demo", routes_of(settings), MORNING - 30 * MINUTE)
    assert len(web.asked) == 1


def test_what_failed_before_the_quiet_hours_waits_for_their_end(
    journal: Journal, settings: Settings, web: Web
) -> None:
    set_up(settings, one_route(web, '    quiet: "08:00-22:00"\n    summary: "23:00"\n'))
    evening = NOW + 14 * HOUR
    deliver(journal, "demo", routes_of(settings), NOW)
    tell(journal, FAILED)
    web.answer = 503
    deliver(journal, "demo", routes_of(settings), evening)
    web.answer = 200
    web.asked.clear()
    for hours in (10, 12, 22.9):
        deliver(journal, "demo", routes_of(settings), evening + hours * HOUR)
    assert web.asked == []
    deliver(journal, "demo", routes_of(settings), evening + 23 * HOUR)
    assert len(web.asked) == 1


# -- each alarm once ------------------------------------------------------------

SEVERITIES: tuple[Severity, ...] = ("urgent", "warning", "info")
Said = dict[str, tuple[Severity, int]]
"""By the alarms' keys, what a source says."""

STEPS = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from("abc"), st.tuples(st.sampled_from(SEVERITIES), st.integers(0, 1))
        ),
        st.sampled_from([1, 5, 11, 60, 600]),
        st.booleans(),
    ),
    max_size=8,
)
"""What is said, minutes after which it is said anew, and whether the service works meanwhile."""


class Reader:
    """Reads what a route is sent, and believes it."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.sent: list[str] = []
        self.believes: dict[int, tuple[str, Severity, str]] = {}
        """What stands, by the number of the alarm: what ended and is back is another one."""
        self.works = True
        self._heard: dict[int, tuple[int, bool]] = {}

    def hear(self, message: Message) -> None:
        self.written.append(message.title + message.text)
        for news in message.news:
            state = (news.alarm.version, news.ended)
            assert self._heard.get(news.alarm.id, (0, False)) < state, "once, and never back"
            self._heard[news.alarm.id] = state
            if not news.ended:
                of = (news.alarm.key, news.alarm.severity, news.alarm.text)
                self.believes[news.alarm.id] = of
            elif news.told is not None:
                del self.believes[news.alarm.id]

    def send(self, _url: str, title: str, text: str, **_: object) -> None:
        if not self.works:
            raise NotSent("it is away")
        self.sent.append(title + text)


@given(steps=STEPS, severity=st.sampled_from(SEVERITIES))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_alarm_is_told_once_until_it_changes_and_what_is_told_is_so(
    journal: Journal,
    settings: Settings,
    steps: list[tuple[Said, int, bool]],
    severity: Severity,
) -> None:
    """Whatever comes, changes, goes and fails: in the end people believe what is so."""
    clear(journal)
    set_up(settings, f"routes:\n  - name: team\n    url: json://x\n    severity: {severity}\n")
    reader, now = Reader(), NOW
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(notify, "send", reader.send)
        patched.setattr(notify, "decide", partial(listened, reader))
        for said, minutes, reader.works in steps:
            tell(journal, *as_alarms(said), at=now)
            deliver(journal, "demo", routes_of(settings), now)
            now += minutes * MINUTE
        reader.works = True
        for hours in (1, 13, 25, 49):
            deliver(journal, "demo", routes_of(settings), now + SETTLES + hours * HOUR)
    assert reader.sent == reader.written, "all of it, in order, and once"
    so = {(one.key, one.severity, one.text) for one in Alarms(journal).standing("demo")}
    concerned = SEVERITIES[: SEVERITIES.index(severity) + 1]
    believed = set(reader.believes.values())
    assert {one for one in so if one[1] in concerned} <= believed <= so


def as_alarms(said: Said) -> list[Alarm]:
    return [Alarm(key, severity, f"text {n}") for key, (severity, n) in said.items()]


def listened(reader: Reader, *of: Any) -> Decided:
    """Decide as ictops does, and let the reader hear of it."""
    decided = decide(*of)
    for message in decided.messages:
        reader.hear(message)
    return decided


def clear(journal: Journal) -> None:
    """Forget the last example."""
    with journal.writing() as connection:
        for table in (t.alarm_told, t.alarm, t.delivery, t.notify_route):
            connection.execute(table.delete())


# -- routes and the heartbeat -----------------------------------------------------


def test_a_route_that_is_gone_gets_nothing_any_more(
    journal: Journal, settings: Settings, web: Web
) -> None:
    with Web().running() as away:
        pass
    set_up(settings, one_route(away))
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW)
    set_up(settings, one_route(web).replace("name: team", "name: another"))
    deliver(journal, "demo", routes_of(settings), NOW + MINUTE)
    assert len(web.asked) == 1, "the new one hears of what stands"
    assert Deliveries(journal).waiting("demo") == []


def test_a_broken_file_is_told_and_what_waits_is_kept(
    journal: Journal, settings: Settings, told: Web
) -> None:
    told.answer = 503
    tell(journal, STOPPED)
    deliver(journal, "demo", routes_of(settings), NOW)
    text = (settings.cluster_dir / "notify.yml").read_text()
    set_up(settings, f"{text}    nonsense: 1\n")
    (error,) = Telling(journal, settings).tell(NOW + MINUTE, [])
    assert "there is no key 'nonsense'" in error
    assert "notify.yml:5" in error
    assert len(Deliveries(journal).waiting("demo")) == 1


def test_every_cluster_with_a_file_is_told_of_its_own(
    journal: Journal, settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(_journal: Journal, of: Settings, _now: datetime) -> list[Alarm]:
        return [Alarm("x", "urgent", f"this is {of.cluster}")]

    monkeypatch.setattr(looking, "SOURCES", {"x": source})
    set_up(settings, one_route(web).replace(TOKEN, "second"), "second")
    assert Telling(journal, settings).tell(NOW, []) == []
    assert [(one.path, "this is second" in one.body) for one in web.asked] == [("/second", True)]
    assert [one.text for one in Alarms(journal).standing("demo")] == ["this is demo"]


def test_a_source_that_cannot_be_read_ends_no_alarm(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[Alarm]:
        raise NotifyError("it is broken")

    tell(journal, STOPPED)
    monkeypatch.setattr(looking, "SOURCES", {"run": broken})
    assert looking.look(journal, settings, NOW, ["run x: no space"]) == [
        "alarms of run: it is broken"
    ]
    assert [one.text for one in Alarms(journal).standing("demo")] == [
        "a gate stopped it",
        "ictops tick: run x: no space",
        "ictops tick: alarms of run: it is broken",
    ]


def test_a_test_message_is_sent_whatever_the_hour(settings: Settings, web: Web) -> None:
    set_up(settings, one_route(web, '    quiet: "07:31-07:30"\n    summary: "07:30"\n'))
    send_test(settings, "team")
    assert titles(web) == ["ictops demo: a test"]
    with pytest.raises(NotifyError, match=r"no such route.*There are: team"):
        send_test(settings, "nobody")


def test_a_check_finds_sites_that_are_not_there_and_addresses_of_no_kind(
    settings: Settings, web: Web
) -> None:
    elsewhere = f"  - name: b\n    url: json://{web.place}\n    sites: [oakfeld]\n"
    set_up(settings, one_route(web) + elsewhere)
    with pytest.raises(NotifyError, match=r"route b: there is no site oakfeld\. There are: oakfi"):
        check_routes(settings)
    set_up(settings, one_route(web).replace("json://", f"{TOKEN}://"))
    with pytest.raises(NotifyError, match="route team: apprise does not know") as raised:
        check_routes(settings)
    assert TOKEN not in str(raised.value)
    set_up(settings, one_route(web))
    assert [route.name for route in check_routes(settings).routes] == ["team"]
    assert web.asked == []


def test_the_heartbeat_comes_every_few_minutes_and_at_once_when_something_fails(
    settings: Settings, web: Web
) -> None:
    set_up(settings, f"heartbeat: http://{web.place}/{TOKEN}\n")

    def beats(minute: float, *, failing: bool = False) -> list[str]:
        web.asked.clear()
        say_alive(settings, routes_of(settings), NOW + minute * MINUTE, failing=failing)
        return [one.path for one in web.asked]

    alive, fails = [f"/{TOKEN}"], [f"/{TOKEN}/fail"]
    assert [beats(n) for n in (0, 1, 4.9, 5, 6)] == [alive, [], [], alive, []]
    assert beats(7, failing=True) == fails
    assert beats(8, failing=True) == []
    assert beats(9) == alive
    assert beats(-60) == alive, "the clock was put back"
    stamp = settings.resolve(settings.state_dir) / "heartbeat-demo"
    stamp.write_text('{"at": "2026')
    assert beats(-59) == alive
    web.answer = 500
    assert (beats(10), beats(11)) == (alive, alive), "what was not taken is sent again"
    assert TOKEN not in stamp.read_text()


def test_a_file_is_read_and_the_vault_asked_once_for_as_long_as_it_stays(
    journal: Journal, settings: Settings, told: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(of: Settings) -> Any:
        read.append(1)
        return routes_of(of)

    monkeypatch.setattr(telling, "routes_of", counted)
    people = Telling(journal, settings)
    for number in range(3):
        people.tell(NOW + number * MINUTE, [])
        people.say_alive(NOW, failing=False)
    assert len(read) == 1
    set_up(settings, one_route(told, "    nonsense: 1\n"))
    assert "routes.0" in people.tell(NOW, [])[0]
    set_up(settings, one_route(told, '    summary: "08:00"\n'))
    assert people.tell(NOW, []) == []
    assert len(read) == 3
    (settings.cluster_dir / "notify.yml").unlink()
    assert people.tell(NOW, []) == []
