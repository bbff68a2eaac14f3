# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times as restic writes them: in nanoseconds, and with the offset of whoever wrote them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_TIME = re.compile(
    r"(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)", re.IGNORECASE
)


def moment(text: str) -> datetime:
    """Read a time, and give it in UTC.

    :raises ValueError: if it is none.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    whole, part, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        read = datetime.fromisoformat(f"{whole}{(part or '.0').ljust(7, '0')}{zone}")
        return read.astimezone(timezone.utc)  # noqa: UP017 - for hosts with an older Python
    except OverflowError as error:
        raise ValueError(f"{text!r} is no time of these ages") from error
