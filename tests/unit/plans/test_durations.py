from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.plans.durations import format_duration, parse_duration


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=366)))
def test_what_is_written_reads_back(length):
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1 h", 3600), ("0", 0)]
)
def test_short_forms(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "5m1h", "5m5m", "-5m", "1y", "400d", "15m x"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match=r"length of time|year"):
        parse_duration(text)
