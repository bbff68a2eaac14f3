"""What the names in a feed mean."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from ictops.calendars.names import Meaning, common_name, meaning, own_words, plain

NAMES = yaml.safe_load((Path(__file__).parent / "names.yml").read_text())
FIRST = date(2027, 4, 12)
DAYS = {"single days": 1, "spans of ten days": 10, "spans of forty days": 40}
CASES = [
    pytest.param(DAYS[length], kind, name, id=f"{name}, {DAYS[length]} days")
    for length, kinds in NAMES.items()
    for kind, names in kinds.items()
    for name in names
]


@pytest.mark.parametrize(("days", "kind", "name"), CASES)
def test_a_name_means_this(days: int, kind: str, name: str) -> None:
    wanted = None if kind == "nothing" else Meaning[kind]
    assert meaning(name, FIRST, FIRST + timedelta(days - 1)) is wanted


def test_words_of_the_calendars_own_name_are_known() -> None:
    own = own_words("St Paul's Year 6, Enfield")
    assert meaning("Enfield half term", FIRST, FIRST, own) is Meaning.HOLIDAY
    assert meaning("Enfield half term", FIRST, FIRST) is None
    assert meaning("Year 6 half term", FIRST, FIRST, own) is None


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-10-26", "2026-10-30", "October half-term"),
        ("2026-10-12", "2026-10-16", "October half-term"),
        ("2026-12-19", "2027-01-04", "Christmas"),
        ("2027-02-15", "2027-02-19", "February half-term"),
        ("2027-03-26", "2027-04-11", "Easter"),
        ("2027-05-31", "2027-06-04", "May half-term"),
        ("2027-07-22", "2027-08-31", "Summer"),
        ("2027-05-03", "2027-05-03", ""),
        ("2026-10-24", "2026-10-25", ""),
        ("2026-09-18", "2026-09-23", ""),
    ],
)
def test_holidays_have_common_names(first: str, last: str, name: str) -> None:
    assert common_name(date.fromisoformat(first), date.fromisoformat(last)) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Half Term Holiday", "half-term"),
        ("Autumn half term", "October half-term"),
        ("Spring Half-Term Break", "february half term"),
        ("the Christmas holidays", "Xmas"),
        ("Mid-term", "halfterm"),
        ("Whitsun", "summer half term"),
    ],
)
def test_writing_does_not_matter(one: str, other: str) -> None:
    assert plain(one) == plain(other)
