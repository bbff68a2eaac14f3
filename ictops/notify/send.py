"""Sending a message by apprise, without a word of its address anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from ictops.errors import NotSent
from ictops.trust.redact import Redactor

if TYPE_CHECKING:
    from apprise import Apprise

SECONDS = 60
"""After which a service that takes so long is given up."""

MOST = 500
"""Characters of a service's complaint that are kept."""

_WHY = "Socket Exception"
"""Begins what apprise says, for debugging only, of why something could not be reached."""

_SHORTEST = 4


def send(url: str, title: str, text: str, *, urgent: bool = False) -> None:
    """Send a message to the service at ``url``, and return once it has taken it.

    :raises NotSent: with the service's own words, secrets left out.
    """
    with _listening(url) as said:
        service = _service(url)
        if service is None:
            raise NotSent("apprise does not know this kind of address, or lacks a part of it")
        from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - slow to import

        try:
            taken = service.notify(
                body=text,
                title=title,
                notify_type=NotifyType.FAILURE if urgent else NotifyType.INFO,
                body_format=NotifyFormat.TEXT,  # so that a service of HTML gets it escaped
                timeout=SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - of any of 100 services; its words may be secret
            raise NotSent(f"the service failed by {type(error).__name__}") from None
        if not taken:
            raise NotSent(
                "; ".join(said)[:MOST] or f"the service did not take it within {SECONDS} s"
            )


def is_known(url: str) -> bool:
    """Tell whether apprise can make something of an address; nothing is sent."""
    with _listening(url):
        return _service(url) is not None


def secrets_of(url: str) -> set[str]:
    """Give the parts of an address that may be secret, which is all but its scheme."""
    scheme, _, rest = url.partition("://")
    split = urlsplit(f"x://{rest}")
    parts = {url, rest, split.netloc, split.path.strip("/"), split.query, split.fragment}
    parts |= set(split.netloc.replace("@", ":").split(":")) | set(split.path.split("/"))
    parts |= {value for _, value in parse_qsl(split.query)}
    parts |= {unquote(part) for part in parts}
    parts |= {part.lower() for part in parts} | {part.upper() for part in parts}
    return {part for part in parts if len(part) >= _SHORTEST and part != scheme}


def _service(url: str) -> Apprise | None:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - slow to import

    asset = AppriseAsset(
        app_id="ictops",
        app_desc="ictops",
        app_url="",
        image_url_mask="",  # else chats load pictures from a site of apprise's
        image_url_logo="",
        async_mode=False,
    )
    one = Apprise.instantiate(url, asset=asset)
    if one is None:
        return None
    one.optional = False  # what an address may ask for, and would be told as taken
    one.retry = 0  # we try again ourselves, later
    service = Apprise(asset=asset)
    service.add(one)
    return service


@contextmanager
def _listening(url: str) -> Iterator[list[str]]:
    """Give what apprise and what it speaks with complain of, and let it reach no log."""
    hide = Redactor(secrets_of(url))
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            tells = record.levelno >= logging.WARNING or text.startswith(_WHY)
            if tells and record.name.startswith("apprise"):
                said.append(" ".join(hide.text(text).split()))

    listener = Listener()
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests")]
    before = [(logger.propagate, logger.level, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.propagate, logger.handlers = False, [listener]
        logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        for logger, (propagate, level, handlers) in zip(loggers, before, strict=True):
            logger.propagate, logger.handlers = propagate, handlers
            logger.setLevel(level)
