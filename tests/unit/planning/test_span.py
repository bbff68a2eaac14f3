"""The moments that ``--from`` and ``--until`` mean, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ictops.errors import PlanError
from ictops.operations.planning import _moment


@pytest.mark.parametrize(
    ("text", "ends", "zone", "moment"),
    [
        ("2026-10-26", False, "Europe/London", "2026-10-26 00:00"),
        ("2026-10-26", True, "Europe/London", "2026-10-27 00:00"),
        ("2027-06-01 18:00", False, "Europe/London", "2027-06-01 17:00"),
        ("2027-03-28 01:30", False, "Europe/London", "2027-03-28 01:00"),  # 02:00 is the first
        ("2026-10-25 01:30", True, "Europe/London", "2026-10-25 00:30"),  # the first of two
        ("2027-03-14", False, "America/Havana", "2027-03-14 05:00"),  # there is no midnight
        ("2026-10-26 08:00+01:00", False, "Europe/London", "2026-10-26 07:00"),
    ],
)
def test_a_time_is_local_to_the_site(text: str, ends: bool, zone: str, moment: str) -> None:
    found = _moment(text, ZoneInfo(zone), "--from", ends=ends)
    assert found.astimezone(UTC) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_what_is_no_time_is_answered_with_an_example() -> None:
    with pytest.raises(PlanError, match="Write 2026-10-26 or 2026-10-26 18:00"):
        _moment("26/10/2026", ZoneInfo("Europe/London"), "--from")
