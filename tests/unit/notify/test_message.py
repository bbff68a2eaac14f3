"""The words in which people are told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count

import pytest

from ictops.notify.message import LINE_LENGTH, LINES, at_once_message, plain_line, summary_message
from ictops.notify.model import Route
from ictops.store.alarm_records import AlarmRecord, News, Severity

DAY = date(2026, 7, 1)
BEGIN = datetime.fromisoformat("2026-07-01T01:00:00+00:00")
LOCAL = Route(name="team", url="json://x").local
NUMBERS = count(1)


def news(
    text: str,
    severity: Severity = "warning",
    *,
    host: str = "",
    site: str = "oakfield",
    told: Severity | None = None,
    ended: int | None = None,
    since: int = 0,
) -> News:
    """Give news of an alarm that began and ended this many minutes after the beginning."""
    ended_at = None if ended is None else BEGIN + timedelta(minutes=ended)
    record = AlarmRecord(
        next(NUMBERS), "demo", "run", "key", site, host, severity, text, 1,
        since=BEGIN + timedelta(minutes=since), changed_at=BEGIN, ended_at=ended_at,
    )  # fmt: skip
    return News(record, told)


def summary(*told: News) -> list[str]:
    return summary_message("demo", told, LOCAL, DAY).text.splitlines()


def test_what_is_urgent_is_in_the_title() -> None:
    one = news("software (run k3w9ab) was stopped: 3 of 4 failed", "urgent")
    message = at_once_message("demo", [one], LOCAL)
    said = "software (run k3w9ab) was stopped: 3 of 4 failed (at oakfield; since Wed 01 Jul 02:00)"
    assert message.title == f"ictops demo: URGENT: {said}"
    assert message.text.splitlines() == [
        "URGENT:", f"- {said}", "", "'ictops notify list' shows every alarm that stands.",
    ]  # fmt: skip
    assert (message.urgent, message.news) == (True, (one,))


def test_what_is_urgent_no_longer_does_not_cry() -> None:
    over = news("x", "urgent", told="urgent", ended=30)
    less = news("y", "warning", told="urgent")
    assert at_once_message("demo", [over], LOCAL).title.startswith("ictops demo: news: over: x (")
    assert at_once_message("demo", [over, less], LOCAL).title == (
        "ictops demo: news: 1 warning, 1 over"
    )


def test_the_same_trouble_of_forty_hosts_is_one_line() -> None:
    told = [news("drift: sudoers", host=f"ws-{n:02}", since=40 - n) for n in range(1, 41)]
    of = "at oakfield; since Wed 01 Jul 02:00)"
    assert summary(*told, news("drift: sshd", host="ws-01"))[1:3] == [
        f"- drift: sudoers (ws-01, ws-02, ws-03, ws-04, ws-05 … (40 hosts); {of}",
        f"- drift: sshd (ws-01; {of}",
    ]


def test_sites_are_named_and_many_are_counted() -> None:
    told = [news("x", site=f"s{n}") for n in range(6)]
    assert "(at s0, s1; since" in summary(*told[:2])[1]
    assert "(at 6 sites; since" in summary(*told)[1]
    assert summary(news("x", site=""))[1] == "- x (since Wed 01 Jul 02:00)"


def test_a_summary_has_the_worst_first_and_says_what_changed_or_is_over() -> None:
    message = summary_message(
        "demo",
        [
            news("a", "info"),
            news("b", told="warning", ended=90),
            news("c", ended=60),
            news("d", told="info"),
            news("e", told="warning"),
            news("f"),
        ],
        LOCAL,
        DAY,
    )
    assert message.title == "ictops demo: Wed 01 Jul 2026: 3 warnings, 1 info, 2 over"
    assert not message.urgent
    of = "at oakfield; since Wed 01 Jul 02:00"
    assert message.text.splitlines() == [
        "Warnings:", f"- d ({of}; was info)", f"- e ({of}; changed)", f"- f ({of})",
        "",
        "To know:", f"- a ({of})",
        "",
        "Over:", f"- b ({of}; until Wed 01 Jul 03:30)",
        f"- c ({of}; until Wed 01 Jul 03:00; came and went)",
        "",
        "'ictops notify list' shows every alarm that stands.",
    ]  # fmt: skip


def test_a_long_message_is_counted_at_its_end() -> None:
    lines = summary(*(news(f"trouble {n}") for n in range(300)))
    assert len(lines) == LINES + 2
    assert lines[-3] == "… and 202 more lines"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("one\r\ntwo\n- URGENT: three", "one two - URGENT: three"),
        ("\x1b[2Jred \u202egnp.exe\u2069", "[2Jred gnp.exe"),
        ("<!channel> <script>", "\u2039!channel\u203a \u2039script\u203a"),
        ("@everyone mail@school.uk 5 @ 3", "@\u2060everyone mail@\u2060school.uk 5 @ 3"),
        ("[your bank](http://evil)", "[your bank]\u2060(http://evil)"),
        ("a\u2060b\u200b", "a b"),
    ],
)
def test_what_a_device_says_acts_on_nothing(said: str, shown: str) -> None:
    assert plain_line(said) == shown


def test_no_line_is_endless() -> None:
    assert len(plain_line("x" * 10_000)) == LINE_LENGTH
    title = at_once_message("demo", [news("x" * 10_000, "urgent")], LOCAL).title
    assert len(title) == LINE_LENGTH // 2
