from __future__ import annotations

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from ictops.plans.batch import take_batch
from ictops.settings import Limits

LIMITS = st.builds(Limits, site=st.integers(1, 8), room=st.integers(1, 8), total=st.just(100))


@given(st.lists(st.sampled_from([None, "a", "b", "c"])), LIMITS, st.integers(0, 12))
def test_a_batch_keeps_the_limits_and_is_as_large_as_they_allow(rooms, limits, free):
    waiting = deque(enumerate(rooms))
    batch = take_batch(waiting, lambda pair: pair[1], limits, free)
    count = Counter(room for _, room in batch if room)
    assert all(number <= limits.room for number in count.values())
    assert len(batch) <= min(limits.site, free)
    assert sorted([*batch, *waiting]) == sorted(enumerate(rooms))
    assert [n for n, _ in waiting] == sorted(n for n, _ in waiting), "those left keep their order"
    if len(batch) < min(limits.site, free):
        assert all(count[room] == limits.room for _, room in waiting)
