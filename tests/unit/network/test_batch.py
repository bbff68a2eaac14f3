from __future__ import annotations

import threading

import pytest

from ictops.errors import SwitchError
from ictops.network.batch import in_batch
from ictops.network.device import Device


def device(site: str, number: int) -> Device:
    return Device(f"{site}-{number}", site, "frr", "192.0.2.1", "ann")


class Gauge:
    """Work that counts how many do it at once, in all and at each site."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.lock = threading.Lock()

    def change(self, name: str, by: int) -> None:
        with self.lock:
            self.now[name] = self.now.get(name, 0) + by
            self.most[name] = max(self.most.get(name, 0), self.now[name])

    def __call__(self, one: Device) -> str:
        for name in (one.site, "all"):
            self.change(name, 1)
        threading.Event().wait(0.002)
        for name in (one.site, "all"):
            self.change(name, -1)
        return one.name


def test_every_device_is_worked_on_once_within_both_limits() -> None:
    devices = [device(site, n) for site in ("oak", "elm", "ash") for n in range(12)]
    gauge = Gauge()
    found = dict(in_batch(devices, gauge, at_once=5, at_once_a_site=2))
    assert {d.name: what for d, what in found.items()} == {d.name: d.name for d in devices}
    assert gauge.most["all"] <= 5
    assert all(gauge.most[site] <= 2 for site in ("oak", "elm", "ash"))


@pytest.mark.parametrize(("at_once", "a_site"), [(1, 1), (1, 9), (9, 1), (50, 50)])
def test_any_limits_come_to_an_end(at_once: int, a_site: int) -> None:
    devices = [device(site, n) for site in ("oak", "elm") for n in range(4)]
    found = list(in_batch(devices, lambda d: d.name, at_once=at_once, at_once_a_site=a_site))
    assert sorted(what for _, what in found) == sorted(d.name for d in devices)


def test_a_site_that_hangs_holds_no_other_up() -> None:
    let_go = threading.Event()

    def work(one: Device) -> str:
        if one.site == "oak":
            assert let_go.wait(20)
        return one.name

    devices = [device(site, n) for site in ("oak", "elm") for n in range(6)]
    seen = []
    for one, _ in in_batch(devices, work, at_once=4, at_once_a_site=2):
        seen.append(one.site)
        if seen.count("elm") == 6:
            let_go.set()
    assert seen[:6] == ["elm"] * 6
    assert len(seen) == 12


def test_one_that_fails_is_told_as_such_and_a_bug_is_not_hidden() -> None:
    def work(one: Device) -> str:
        if one.name == "oak-1":
            raise SwitchError("no")
        return one.name

    found = dict(in_batch([device("oak", n) for n in range(3)], work, at_once=9, at_once_a_site=9))
    assert [type(found[device("oak", n)]) for n in range(3)] == [str, SwitchError, str]

    def broken(_: Device) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(in_batch([device("oak", 1)], broken, at_once=1, at_once_a_site=1))
