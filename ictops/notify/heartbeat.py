"""A sign of life to a monitor that complains where none comes (https://healthchecks.io/docs/)."""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ictops.errors import NotSent

SECONDS = 10


def beat(url: str, *, failing: bool) -> None:
    """Say that ictops lives, or that it lives and something fails.

    :param url: of http or https; ``/fail`` is added to its path where something fails.
    :raises NotSent: with the reason, without the address.
    """
    split = urlsplit(url)
    path = f"{split.path.rstrip('/')}/fail" if failing else split.path
    request = Request(urlunsplit(split._replace(path=path)), headers={"User-Agent": "ictops"})  # noqa: S310 - http only, as notify.yml is held to
    try:
        with build_opener(_Stay).open(request, timeout=SECONDS):
            return
    except HTTPError as error:
        why = f"the monitor says {error.code}"
        error.close()
    except URLError as error:
        # Of its words only those of the system: others may show the address.
        why = getattr(error.reason, "strerror", None) or type(error.reason).__name__
    except (OSError, HTTPException, ValueError) as error:
        why = type(error).__name__
    raise NotSent(f"the heartbeat could not be sent: {why}")


class _Stay(HTTPRedirectHandler):
    """Goes nowhere else: the address is a secret of the one that it names."""

    def redirect_request(self, *_: object) -> None:
        return None
