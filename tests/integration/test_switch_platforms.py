"""A backup of every platform, of simulated switches that netmiko's own drivers speak to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ictops.errors import SwitchError, SwitchUnreachable
from ictops.lab.farm.process import Farm
from ictops.network.backup import RUNNING, STARTUP, VERSION, Backup, take_backup
from ictops.network.clean import Mask
from ictops.network.device import Device, login
from ictops.network.platform import load_platform, platform_names
from tests.support.farm import LATE, PLATFORMS, case, described, device, farm_of

MASK = Mask(b"k" * 32)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [device(one, running=case(one)["running"] + LATE.get(one, "")) for one in PLATFORMS]
    with farm_of(tmp_path_factory.mktemp("farm"), *devices) as running:
        yield running


def backup_of(one: Device) -> Backup:
    with login(one) as session:
        return take_backup(session, MASK)


@pytest.fixture(scope="module")
def backups(farm: Farm) -> dict[str, tuple[Backup, Backup]]:
    """Each platform's switch, backed up twice; all at once, as netmiko mostly waits."""
    devices = [described(farm, platform, platform) for platform in PLATFORMS]
    with ThreadPoolExecutor(len(devices)) as pool:
        first = list(pool.map(backup_of, devices))
        second = list(pool.map(backup_of, devices))
    return {d.name: (a, b) for d, a, b in zip(devices, first, second, strict=True)}


def test_every_platform_is_tried() -> None:
    assert platform_names() == PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_backup_holds_what_the_switch_has_and_comes_out_the_same_twice(
    backups: dict[str, tuple[Backup, Backup]], platform: str
) -> None:
    first, second = backups[platform]
    assert first == second
    assert "classroom 1" in first.files[RUNNING]
    assert "simulated" in first.files[VERSION].lower()
    if load_platform(platform).shows.startup is not None:
        assert "classroom 1" in first.files[STARTUP]
    assert not first.unsaved


def test_a_change_that_is_not_saved_is_noticed(farm: Farm) -> None:
    one = described(farm, "cisco_ios", "cisco_ios")
    with login(one) as session:
        session._connection.send_config_set(["interface GigabitEthernet0/1", "description moved"])
        assert take_backup(session, MASK).unsaved
        session._connection.save_config()
        assert not take_backup(session, MASK).unsaved


Bad = Callable[[Device], Device]
REFUSED: dict[str, tuple[Bad, str]] = {
    "password": (lambda d: replace(d, password="wrong"), "it refuses the user admin"),
    "enable": (lambda d: replace(d, enable="wrong"), "into its privileged mode"),
    "no key": (lambda d: replace(d, pins=frozenset()), "its SSH host key is not pinned"),
    "port": (lambda d: replace(d, port=9), "not pinned|does not answer"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_cannot_come_in_is_told_why(farm: Farm, what: str) -> None:
    change, said = REFUSED[what]
    with pytest.raises(SwitchError, match=said):
        backup_of(change(described(farm, "cisco_ios", "cisco_ios")))


FAULTS: dict[str, tuple[dict[str, object], type[SwitchError], str]] = {
    "empty": ({"empty_running": True}, SwitchError, "comes empty"),
    "cut off": ({"truncated_running": 6}, SwitchError, "is cut off after"),
    "another key": ({"new_host_key": True}, SwitchError, "not the pinned one"),
    "closed door": ({"refuse_logins": True}, SwitchUnreachable, "does not answer"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_broken_switch_gives_no_backup(farm: Farm, what: str) -> None:
    faults, kind, said = FAULTS[what]
    farm.control.fault("cisco_xe", **faults)
    try:
        with pytest.raises(kind, match=said):
            backup_of(described(farm, "cisco_xe", "cisco_xe"))
    finally:
        farm.control.clear("cisco_xe")


def test_a_prompt_in_the_banner_and_odd_letters_do_no_harm(farm: Farm) -> None:
    farm.control.fault("cisco_xe", banner_prompt="oak-sw-01#", odd_descriptions=True)
    try:
        taken = backup_of(described(farm, "cisco_xe", "cisco_xe"))
    finally:
        farm.control.clear("cisco_xe")
    text = taken.files[RUNNING]
    assert "classroom" in text
    assert all(c.isprintable() or c == "\n" for c in text)
