from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ictops.calendars.window import Window
from ictops.estate.models import Place
from ictops.planning.fit import SiteWork, Workload, fits, simulate
from ictops.planning.remedy import find_remedy
from ictops.settings import Limits

START = datetime(2026, 10, 26, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def days(*hours: tuple[int, int]) -> tuple[Window, ...]:
    """Windows by their first and last hour, counted from START."""
    return tuple(Window(START + a * HOUR, START + b * HOUR) for a, b in hours)


def work(code: str, windows: tuple[Window, ...], *waves: tuple[str | None, ...]) -> SiteWork:
    placed = tuple((f"w{n}", tuple(map(Place, wave))) for n, wave in enumerate(waves))
    return SiteWork(code, placed, windows)


def load(*sites: SiteWork, seconds: float = 900.0, soak: timedelta = timedelta(0)) -> Workload:
    return Workload(sites, seconds, soak, START - HOUR)


def test_batches_follow_each_other_and_the_soak_lies_between_waves():
    site = work("a", days((0, 9)), (None,), (None,) * 5)
    (times,) = simulate(load(site, soak=10 * MINUTE), Limits(site=2))
    first, second = times.waves
    assert (first.start, first.end) == (START, START + 15 * MINUTE)
    assert (second.start, second.end) == (START + 25 * MINUTE, START + 70 * MINUTE)
    assert times.overflow == timedelta(0)


def test_a_batch_that_could_not_end_waits_for_the_next_window():
    site = work("a", days((0, 1), (24, 25)), (None,) * 5)
    (times,) = simulate(load(site), Limits(site=1))
    assert times.end == START + 24 * HOUR + 15 * MINUTE


def test_a_window_too_short_for_a_batch_is_left_out():
    site = work("a", days((0, 1), (2, 3), (10, 20)), (None,))
    (times,) = simulate(load(site, seconds=7200), Limits())
    assert times.start == START + 10 * HOUR


def test_overflow_says_how_much_longer_the_last_window_would_have_to_be():
    site = work("a", days((0, 1)), (None,) * 6)
    plan = load(site)
    (times,) = simulate(plan, Limits(site=1))
    assert times.overflow == 30 * MINUTE
    longer = work("a", (Window(START, START + HOUR + times.overflow),), (None,) * 6)
    assert fits(load(longer), Limits(site=1))
    remedy = find_remedy(plan, [times], Limits(site=1))
    assert remedy.limits == Limits(site=2)
    assert remedy.words(Limits(site=1), 1) == (
        "It fits with --site-limit 2, or with at most 30m more at the end of the last window "
        "of the site"
    )


def test_several_limits_are_raised_where_no_single_one_helps():
    site = work("a", days((0, 1)), ("it1",) * 40)
    plan, now = load(site), Limits(site=2, room=2, total=2)
    remedy = find_remedy(plan, simulate(plan, now), now)
    assert remedy.limits == Limits(site=10, room=10, total=10)


def test_no_limit_helps_where_one_batch_a_wave_is_too_much():
    site = work("a", days((0, 1)), *[(None,)] * 5)
    plan = load(site)
    remedy = find_remedy(plan, simulate(plan, Limits()), Limits())
    assert remedy.limits is None
    assert "No limit makes it fit; it needs 15m more" in remedy.words(Limits(), 1)


def test_sites_share_the_total():
    sites = [work(code, days((0, 9)), (None,) * 2) for code in "abc"]
    times = simulate(load(*sites), Limits(total=2))
    assert sorted(one.end - START for one in times) == [15 * MINUTE, 30 * MINUTE, 45 * MINUTE]


ROOMS = st.sampled_from([None, "it1", "it2"])
WAVES = st.lists(st.lists(ROOMS, min_size=1, max_size=12).map(tuple), min_size=1, max_size=3)
WINDOWS = st.lists(st.integers(1, 5), min_size=2, max_size=8).map(
    lambda steps: days(*[(sum(steps[:n]), sum(steps[: n + 1])) for n in range(0, len(steps), 2)])
)
SITES = st.lists(st.tuples(WAVES, WINDOWS), min_size=1, max_size=4).map(
    lambda drawn: [work(f"s{n}", windows, *waves) for n, (waves, windows) in enumerate(drawn)]
)
LIMITS = st.builds(Limits, site=st.integers(1, 6), room=st.integers(1, 6), total=st.integers(1, 10))


@given(SITES, LIMITS, st.sampled_from([600.0, 2700.0]), st.sampled_from([0, 20]))
@settings(max_examples=150)
def test_what_holds_for_every_forecast(sites, limits, seconds, soak):
    plan = load(*sites, seconds=seconds, soak=soak * MINUTE)
    times = simulate(plan, limits)
    batch = timedelta(seconds=seconds)
    for site, one in zip(sites, times, strict=True):
        assert [w.hosts for w in one.waves] == [len(rooms) for _, rooms in site.waves]
        last = site.windows[-1]
        for wave in one.waves:
            assert wave.end - wave.start >= batch
            ends = [w.end for w in site.windows if w.start <= wave.start < w.end]
            assert ends or wave.start >= last.end, "starts inside a window"
            assert wave.start >= last.start or wave.start + batch <= ends[0]
        for former, latter in zip(one.waves, one.waves[1:], strict=False):
            assert latter.start >= former.end + soak * MINUTE
        assert one.overflow == max(timedelta(0), one.end - last.end)
    assert fits(plan, limits) == all(not one.overflow for one in times)


@given(SITES, LIMITS)
@settings(max_examples=60)
def test_a_remedy_is_one(sites, limits):
    plan = load(*sites, seconds=1800)
    times = simulate(plan, limits)
    if any(one.overflow for one in times):
        remedy = find_remedy(plan, times, limits)
        assert remedy.limits is None or fits(plan, remedy.limits)
