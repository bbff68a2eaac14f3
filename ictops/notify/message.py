"""News in words: one message, the same trouble of many hosts in one line.

What an alarm says may come from a device or a spreadsheet: it stays within its line, and is
text for whoever shows it, never a mention, a link's name or markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime

from ictops.notify.model import SEVERITIES
from ictops.store.alarm_records import Message, News, Severity

LINES = 100
"""Lines of a message; what is more is counted."""
NAMES = 5
"""Hosts of one line that are named."""
LINE_LENGTH = 300

Local = Callable[[datetime], datetime]

_HEADINGS: dict[Severity, str] = {"urgent": "URGENT", "warning": "Warnings", "info": "To know"}
# C0, DEL and C1, and what turns the direction of writing or takes no room.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SOFT = "\u2060"
"""A word joiner: unseen, it keeps a chat from reading what is around it as a mention or link."""


def plain_line(text: str) -> str:
    """Give a text as one line that acts on nothing, at most :data:`LINE_LENGTH` long."""
    line = " ".join(_STEERING.sub(" ", text).split())
    if len(line) > LINE_LENGTH:
        line = f"{line[: LINE_LENGTH - 1]}…"
    # Slack's <!channel> and every tag; @everyone; a link's name that hides where it leads.
    line = line.replace("<", "\u2039").replace(">", "\u203a")
    return re.sub(r"@(?=\w)|\](?=\()", lambda found: found[0] + _SOFT, line)


def at_once_message(cluster: str, news: Sequence[News], local: Local) -> Message:
    """Give the message that tells at once of what is, or was, urgent."""
    stands = [one for one in news if not one.ended]
    lines = _lines(news, local)
    if len(lines) == 1:
        about = ("over: " if not stands else "") + lines[0]
    else:
        about = ", ".join(_counts(news))
    word = "URGENT" if any(one.alarm.severity == "urgent" for one in stands) else "news"
    return Message(
        True, _title(f"ictops {cluster}: {word}: {about}"), _text(news, local), tuple(news)
    )


def summary_message(cluster: str, news: Sequence[News], local: Local, day: date) -> Message:
    """Give a day's summary."""
    title = f"ictops {cluster}: {day:%a %d %b %Y}: {', '.join(_counts(news))}"
    return Message(False, _title(title), _text(news, local), tuple(news))


def _title(text: str) -> str:
    return text if len(text) <= LINE_LENGTH // 2 else f"{text[: LINE_LENGTH // 2 - 1]}…"


def _counts(news: Sequence[News]) -> Iterator[str]:
    for severity in SEVERITIES:
        number = sum(one.alarm.severity == severity and not one.ended for one in news)
        if number:
            plural = "s" if severity == "warning" and number > 1 else ""
            yield f"{number} {severity}{plural}"
    ended = sum(one.ended for one in news)
    if ended:
        yield f"{ended} over"


def _text(news: Sequence[News], local: Local) -> str:
    parts = {
        _HEADINGS[severity]: [n for n in news if n.alarm.severity == severity and not n.ended]
        for severity in SEVERITIES
    }
    parts["Over"] = [one for one in news if one.ended]
    lines: list[str] = []
    for heading, ones in parts.items():
        if ones:
            lines += ["", f"{heading}:", *(f"- {line}" for line in _lines(ones, local))]
    left = len(lines) - LINES
    if left > 0:
        lines = [*lines[:LINES], f"… and {left} more lines"]
    lines += ["", "'ictops notify list' shows every alarm that stands."]
    return "\n".join(lines[1:])


def _lines(news: Iterable[News], local: Local) -> list[str]:
    """Give a line for what is the same, that of most hosts first."""
    same: dict[tuple[str, bool, str], list[News]] = {}
    for one in news:
        same.setdefault((one.alarm.text, one.ended, _how(one)), []).append(one)
    most_first = sorted(same.items(), key=lambda item: -len(item[1]))
    return [_line(text, how, ones, local) for (text, _, how), ones in most_first]


def _how(news: News) -> str:
    if news.ended:
        return "" if news.told else "came and went"
    if news.told is None:
        return ""
    return "changed" if news.told == news.alarm.severity else f"was {news.told}"


def _line(text: str, how: str, news: Sequence[News], local: Local) -> str:
    hosts = sorted({one.alarm.host for one in news} - {""})
    sites = sorted({one.alarm.site for one in news} - {""})
    parts = [plain_line(text)]
    if hosts:
        named = ", ".join(map(plain_line, hosts[:NAMES]))
        parts.append(named if len(hosts) <= NAMES else f"{named} … ({len(hosts)} hosts)")
    if sites:
        named = ", ".join(map(plain_line, sites[:NAMES]))
        parts.append(f"at {named}" if len(sites) <= NAMES else f"at {len(sites)} sites")
    since = min(one.alarm.since for one in news)
    parts.append(f"since {_shown(since, local)}")
    ends = [one.alarm.ended_at for one in news if one.alarm.ended_at is not None]
    if ends:
        parts.append(f"until {_shown(max(ends), local)}")
    if how:
        parts.append(how)
    first, *rest = parts
    return f"{first} ({'; '.join(rest)})"


def _shown(moment: datetime, local: Local) -> str:
    return f"{local(moment):%a %d %b %H:%M}"
