"""Telling people: what the alarms say goes to the routes of ``notify.yml``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from ictops.errors import NotifyError, NotSent
from ictops.estate.load import site_files
from ictops.notify.decide import decide
from ictops.notify.model import Notify
from ictops.notify.read import FILE_NAME, read_notify
from ictops.notify.send import is_known, send
from ictops.settings import Settings
from ictops.store.alarm_records import DeliveryRecord
from ictops.store.deliveries import SENDING_TAKES, Deliveries, Hearing
from ictops.store.journal import Journal
from ictops.trust.vault import vault_password

log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(hours=1)
"""Between two tries to send a message: after 1, 2, 4 … minutes at first."""


def routes_of(settings: Settings) -> Notify:
    """Give who is told of what in the settings' cluster.

    :raises NotifyError: if ``notify.yml`` is not there or not as it must be.
    :raises TrustError: if what is vaulted in it cannot be opened.
    """
    return read_notify(notify_file(settings), partial(vault_password, settings))


def check_routes(settings: Settings) -> Notify:
    """Give who is told of what, after a look at what only the cluster and apprise know.

    :raises NotifyError: if a route names no site of the cluster, or an address of no known kind.
    :raises TrustError: if what is vaulted in it cannot be opened.
    """
    notify = routes_of(settings)
    codes = [code for code, _ in site_files(settings.cluster_dir)]
    for route in notify.routes:
        where = f"{notify_file(settings)}, route {route.name}"
        unknown = [code for code in route.sites or () if code not in codes]
        if unknown:
            raise NotifyError(
                f"there is no site {unknown[0]}", where=where, do=f"There are: {', '.join(codes)}"
            )
        if not is_known(route.url.get_secret_value()):
            raise NotifyError(
                "apprise does not know this kind of address, or lacks a part of it",
                where=where,
                do="https://appriseit.com lists the kinds; 'ansible-vault view' shows yours",
            )
    return notify


def send_test(settings: Settings, name: str) -> None:
    """Send a message that says that it is a test.

    :raises NotifyError: if there is no such route.
    :raises NotSent: with the reason if it is not taken.
    """
    notify = routes_of(settings)
    route = notify.route(name)
    if route is None:
        names = ", ".join(one.name for one in notify.routes)
        raise NotifyError(
            "there is no such route",
            where=f"{notify_file(settings)}, {name}",
            do=f"There are: {names}",
        )
    title = f"ictops {settings.cluster}: a test"
    send(route.url.get_secret_value(), title, f"This is a test of the route {name}. All is well.")


def deliver(journal: Journal, cluster: str, notify: Notify, now: datetime) -> list[str]:
    """Write down what each route should hear now, and send what is to be sent.

    A message is written before it is sent and marked after. What a service does not take is
    tried again until it does. Where ictops is killed between the two, it is sent twice.

    :return: what could not be done, in words for a person.
    """
    deliveries = Deliveries(journal)
    deliveries.keep_only(cluster, [route.name for route in notify.routes], now)
    for route in notify.routes:
        hearing = Hearing(route.name, route.severities, route.sites)
        deliveries.make(cluster, hearing, partial(decide, cluster, route, now), now)
    return list(_send_waiting(deliveries, cluster, notify, now))


def _send_waiting(
    deliveries: Deliveries, cluster: str, notify: Notify, now: datetime
) -> Iterator[str]:
    """Send what waits to each route of which something is due; give what goes on failing.

    In order, so that nobody hears that something is over before that it began: what is new has
    what failed before it tried once more.
    """
    waiting: dict[str, list[DeliveryRecord]] = {route.name: [] for route in notify.routes}
    for one in deliveries.waiting(cluster):
        waiting[one.route].append(one)
    for route in notify.routes:
        may = [one for one in waiting[route.name] if route.may_send(now, urgent=one.urgent)]
        if not any(_is_due(one, now) for one in may):
            continue
        url = route.url.get_secret_value()
        for one in may:
            if _is_sent_elsewhere(one, now) or not deliveries.claim(one, now):
                break
            try:
                send(url, one.title, one.text, urgent=one.urgent)
            except NotSent as error:
                log.warning("route %s: %s", route.name, error.what)
                again = min(LONGEST_WAIT, timedelta(minutes=2 ** min(one.tries, 10)))
                deliveries.failed(one, error.what, now + again)
                if one.tries:  # once is nothing yet
                    yield f"route {route.name}: {error.what}"
                break
            deliveries.sent(one, now)
            log.info("route %s: told of %s", route.name, one.title)


def _is_due(one: DeliveryRecord, now: datetime) -> bool:
    return one.next_try_at <= now or _is_wild(one, now)


def _is_sent_elsewhere(one: DeliveryRecord, now: datetime) -> bool:
    return one.is_being_sent(now) and not _is_wild(one, now)


def _is_wild(one: DeliveryRecord, now: datetime) -> bool:
    """Tell whether a message is to wait for longer than any does: the clock was wrong then."""
    return one.next_try_at > now + max(LONGEST_WAIT, SENDING_TAKES)


def notify_file(settings: Settings) -> Path:
    """Give where the settings' cluster says who is told of what."""
    return settings.cluster_dir / FILE_NAME
