from __future__ import annotations

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from ictops.estate.models import Place
from ictops.plans.batch import take_batch
from ictops.settings import Limits

SOME = st.integers(1, 8)
LIMITS = st.builds(Limits, site=SOME, room=SOME, switch=SOME, total=st.just(100))
PLACES = st.builds(Place, st.sampled_from([None, "a", "b"]), st.sampled_from([None, "s", "t"]))


@given(st.lists(PLACES), LIMITS, st.integers(0, 12))
def test_a_batch_keeps_the_limits_and_is_as_large_as_they_allow(places, limits, free):
    waiting = deque(enumerate(places))
    batch = take_batch(waiting, lambda pair: pair[1], limits, free)
    rooms = Counter(place.room for _, place in batch if place.room)
    switches = Counter(place.switch for _, place in batch if place.switch)
    assert all(number <= limits.room for number in rooms.values())
    assert all(number <= limits.switch for number in switches.values())
    assert len(batch) <= min(limits.site, free)
    assert sorted([*batch, *waiting]) == sorted(enumerate(places))
    assert [n for n, _ in waiting] == sorted(n for n, _ in waiting), "those left keep their order"
    if len(batch) < min(limits.site, free):
        assert all(
            rooms[at.room] == limits.room or switches[at.switch] == limits.switch
            for _, at in waiting
        )
