"""Changes of a real CLI that others wrote, FRRouting; ictops is its dead-man switch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ictops.errors import ChangeFailed
from ictops.network.archive import Archive
from ictops.network.attempt import Patience
from ictops.network.change import Changed, Checks, Options, change
from ictops.network.device import Device
from ictops.network.difference import Difference, difference
from ictops.network.platform import load_platform
from tests.support.frr import Frr, frr, need_frr


@pytest.fixture(scope="module")
def router() -> Iterator[Frr]:
    need_frr()
    with frr("oak-sw-01", "127.0.0.10") as one:
        yield one


def changed(router: Frr, folder: Path, *lines: str) -> Changed:
    """Have ictops want these lines too."""
    archive = Archive(folder / "archive")
    mask = archive.mask()
    platform = load_platform("frr")
    aim: list[str] = []

    def compare(running: Sequence[str]) -> Difference:
        if not aim:
            aim.extend([*[line for line in running if line != "end"], *lines, "end"])
        return difference(platform, running, aim, mask)

    _, kind, key = router.known_hosts_line.split()
    device = Device(
        name="oak-sw-01", site="oak", platform="frr", address=router.address, port=router.port,
        user="root", key_file=router.login_key, pins=frozenset({f"{kind} {key}"}),
    )  # fmt: skip
    return change(
        device, Checks(compare, lambda *_: []), Options(patience=Patience(minute=6.0)), mask=mask,
        keep=lambda backup: archive.keep("oak", "oak-sw-01", backup.files), hold=lambda: None,
        locks=folder / "locks",
    )  # fmt: skip


def test_a_change_runs_is_kept_and_is_stored(router: Frr, tmp_path: Path) -> None:
    stored = router.folder / "zebra.conf"
    done = changed(
        router, tmp_path, "interface up1", " description To the library", "exit",
        "access-list pupils seq 5 permit 192.0.2.0/24",
    )  # fmt: skip
    assert (done.method, done.configuration) == ("emulated", "new")
    assert "description To the library" in router.vtysh("show running-config")
    assert "permit 192.0.2.0/24" in stored.read_text()
    kept = (tmp_path / "archive" / "oak" / "oak-sw-01" / "running.cfg").read_text()
    assert "description To the library" in kept
    again = changed(router, tmp_path)
    assert not again.changed


def test_what_it_cannot_store_is_told(router: Frr, tmp_path: Path) -> None:
    stored = router.folder / "zebra.conf"
    stored.chmod(0o600)
    shutil.chown(stored, "root", "root")
    try:
        with pytest.raises(ChangeFailed, match=r"not known to be stored: .*Can't") as caught:
            changed(router, tmp_path, "access-list office seq 5 permit 192.0.2.0/25")
    finally:
        shutil.chown(stored, "frr", "frr")
    assert caught.value.configuration == "new"
    assert "access-list office" not in stored.read_text()


def test_a_line_that_it_does_not_take_has_the_others_taken_back(
    router: Frr, tmp_path: Path
) -> None:
    before = router.vtysh("show running-config")
    stored = (router.folder / "zebra.conf").read_text()
    with pytest.raises(ChangeFailed, match="does not take 'ip nonsense': % Unknown") as caught:
        changed(
            router, tmp_path, "interface up7", " description never", "exit",
            "access-list staff seq 5 permit 198.51.100.0/24", "ip nonsense",
        )  # fmt: skip
    assert caught.value.configuration == "old"
    assert router.vtysh("show running-config") == before
    assert (router.folder / "zebra.conf").read_text() == stored


def test_a_line_for_a_part_of_it_that_does_not_run_is_not_taken(
    router: Frr, tmp_path: Path
) -> None:
    before = router.vtysh("show running-config")
    with pytest.raises(ChangeFailed, match=r"does not take .*: staticd is not running") as caught:
        changed(router, tmp_path, "interface up8", " description no", "exit",
                "ip route 198.51.100.0/24 192.0.2.1")  # fmt: skip
    assert caught.value.configuration == "old"
    assert router.vtysh("show running-config") == before
