from __future__ import annotations

from datetime import timedelta

import pytest

from ictops.errors import PlanError
from ictops.planning.estimate import DEFAULT, estimate


def test_nine_of_ten_past_batches_end_within_the_estimate():
    found = estimate([float(n) for n in range(100, 0, -1)])
    assert (found.seconds, found.source, found.samples) == (90.0, "past runs", 100)


def test_one_that_hung_does_not_set_it():
    assert estimate([60.0] * 10 + [86_400.0]).seconds == 60.0


def test_without_past_runs_the_default_is_named_as_such():
    found = estimate([])
    assert (found.seconds, found.source) == (DEFAULT.total_seconds(), "default")


def test_broken_clocks_do_not_count():
    assert estimate([0.0, -5.0, float("nan"), float("inf")]).source == "default"


def test_what_a_person_gives_counts_first():
    assert estimate([900.0], timedelta(minutes=5)).seconds == 300.0
    with pytest.raises(PlanError, match="longer than nothing"):
        estimate([], timedelta(0))
