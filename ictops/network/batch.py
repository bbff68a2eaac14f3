"""Many switches at once, in threads of one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from ictops.errors import SwitchError
from ictops.network.device import Device

T = TypeVar("T")


def in_batch(
    devices: Iterable[Device],
    work: Callable[[Device], T],
    *,
    at_once: int,
    at_once_a_site: int,
) -> Iterator[tuple[Device, T | SwitchError]]:
    """Do ``work`` with every device, and give what came of each as it comes.

    A slow or dead switch takes one place of its site and holds nobody else up: sites take
    turns, and each next switch begins as soon as a place is free.

    :param at_once: sessions at once in all.
    :param at_once_a_site: sessions at once at any one site, whose line and AAA server they share.
    """
    waiting: dict[str, deque[Device]] = {}
    for device in devices:
        waiting.setdefault(device.site, deque()).append(device)
    turns = deque(waiting)
    busy = dict.fromkeys(waiting, 0)
    running: dict[Future[T], Device] = {}
    done: SimpleQueue[Future[T]] = SimpleQueue()
    with ThreadPoolExecutor(max_workers=max(1, at_once)) as pool:
        while turns or running:
            for _ in range(len(turns)):
                if len(running) >= at_once:
                    break
                site = turns.popleft()
                if busy[site] >= at_once_a_site:
                    turns.append(site)
                    continue
                device = waiting[site].popleft()
                future = pool.submit(work, device)
                running[future] = device
                busy[site] += 1
                future.add_done_callback(done.put)
                if waiting[site]:
                    turns.append(site)
            free = len(running) < at_once and any(busy[s] < at_once_a_site for s in turns)
            if free:
                continue
            future = done.get()
            device = running.pop(future)
            busy[device.site] -= 1
            outcome: T | SwitchError = _outcome(future)
            yield device, outcome


def _outcome(future: Future[T]) -> T | SwitchError:
    try:
        return future.result()
    except SwitchError as error:
        return error
