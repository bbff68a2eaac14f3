from __future__ import annotations

import threading
import time

from ansible_collections.ictops.schools.plugins.plugin_utils.resident.baton import Baton


def test_one_runs_at_a_time_in_the_order_in_which_they_asked() -> None:
    baton, order, inside = Baton(), [], []
    baton.take()
    threads = []
    for number in range(8):

        def work(number: int = number) -> None:
            baton.take()
            inside.append(number)
            assert len(inside) == 1
            order.append(number)
            time.sleep(0.002)
            inside.remove(number)
            baton.hand_on()

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        while len(baton._waiting) <= number:
            time.sleep(0.001)
    baton.hand_on()
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def test_it_is_free_while_it_is_handed_on() -> None:
    baton = Baton()
    baton.take()
    with baton.handed_on():
        baton.take()
        baton.hand_on()
    other = threading.Thread(target=baton.take)
    other.start()
    other.join(0.05)
    assert other.is_alive()  # we have it again
    baton.hand_on()
    other.join(5)
    assert not other.is_alive()
