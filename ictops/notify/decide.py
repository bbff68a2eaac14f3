"""What of the news is sent to a route now: at once, in the daily summary, or not yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ictops.notify.message import at_once_message, summary_message
from ictops.notify.model import Route
from ictops.store.alarm_records import News, RouteRecord
from ictops.store.deliveries import Decided

ONE_DAY = timedelta(days=1)


def decide(
    cluster: str, route: Route, now: datetime, state: RouteRecord, news: list[News]
) -> Decided:
    """Give the messages that are to be sent to a route now.

    What is urgent, and what becomes of what was, is told at once; quiet hours hold back all of
    it but what is urgent now. The rest comes once a day, late where ictops was off at that
    time. A new route's first summary comes when the time of it next does.
    """
    urgent = [one for one in news if is_urgent(one)]
    if not route.may_send(now, urgent=False):
        urgent = [one for one in urgent if _breaks_quiet(one) and route.may_send(now, urgent=True)]
    messages = [at_once_message(cluster, urgent, route.local)] if urgent else []
    today = route.local(now).date()
    if state.summarised is None:  # a new route
        return Decided(messages, today if _is_time(route, now) else today - ONE_DAY)
    if not _is_due(route, state.summarised, now):
        return Decided(messages, None)
    rest = [one for one in news if not is_urgent(one)]
    if rest:
        messages.append(summary_message(cluster, rest, route.local, today))
    return Decided(messages, today)


def is_urgent(news: News) -> bool:
    """Tell whether something is told at once: it is urgent, or people believe that it is.

    What began and ended before anybody was told is not.
    """
    return news.told == "urgent" or (news.alarm.severity == "urgent" and not news.ended)


def _breaks_quiet(news: News) -> bool:
    return news.alarm.severity == "urgent" and not news.ended


def _is_time(route: Route, now: datetime) -> bool:
    return route.local(now).time() >= route.summary


def _is_due(route: Route, summarised: date, now: datetime) -> bool:
    """Tell whether a day's summary is to be made.

    By the clock on the wall: an hour that comes twice, or a clock that is put back, brings no
    second summary of a day. One that was years ahead must not silence it for years.
    """
    today = route.local(now).date()
    done = today <= summarised <= today + ONE_DAY
    return not done and _is_time(route, now) and route.may_send(now, urgent=False)
