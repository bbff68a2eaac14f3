"""Set the clock of a PC whose battery is empty, so that certificates and windows mean something."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit


def set_forward(
    url: str,
    now: Callable[[], float] = time.time,
    set_to: Callable[[float], None] = lambda at: time.clock_settime(time.CLOCK_REALTIME, at),
) -> bool:
    """Set the clock to a server's, if that is later.

    Only forward: what is over does not become valid again by a server that tells an old time.

    :param url: of plain HTTP; a certificate cannot be looked at without a clock.
    :returns: whether it was set.
    """
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    try:
        link.request("HEAD", "/")
        said = parsedate_to_datetime(link.getresponse().headers["Date"]).timestamp()
        if said <= now():
            return False
        set_to(said)
    except (OSError, http.client.HTTPException, TypeError, ValueError):
        # The certificate is refused then, and that is told.
        return False
    finally:
        link.close()
    return True
