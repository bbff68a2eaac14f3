"""What the lab finds out about a machine, told by files as each kind of machine has them."""

from __future__ import annotations

import os
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ictops.errors import LabError
from ictops.lab.machine import check_memory, hand_over, host_flags, with_sudo
from ictops.lab.model import Lab
from ictops.lab.networks import DEMO_NETWORKS, free_networks, switch_network

ALL_CAPABILITIES = "Name:\tbash\nCapEff:\t000001ffffffffff\n"
NO_SYS_RESOURCE = "Name:\tbash\nCapEff:\t000001fffeffffff\n"
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]


@pytest.mark.parametrize(
    ("unified", "capabilities", "flags"),
    [
        (True, ALL_CAPABILITIES, ["--systemd=always"]),
        (False, ALL_CAPABILITIES, ["--runtime", "runc", "--systemd=always"]),
        (True, NO_SYS_RESOURCE, ["--systemd=always", *LIMITS]),
        (False, NO_SYS_RESOURCE, ["--runtime", "runc", "--systemd=always", *LIMITS]),
    ],
)
def test_podman_is_told_only_what_the_machine_needs(
    tmp_path: Path, unified: bool, capabilities: str, flags: list[str]
) -> None:
    if unified:
        (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    status = tmp_path / "status"
    status.write_text(capabilities)
    assert host_flags(tmp_path, status) == flags


def test_a_lab_that_would_not_find_room_is_refused(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  4000000 kB\nMemAvailable:  1024000 kB\n")
    check_memory(12, meminfo=meminfo)
    with pytest.raises(LabError, match=r"100 hosts need about 8000 MB of memory, 1000 MB are free"):
        check_memory(100, meminfo=meminfo)
    with pytest.raises(LabError, match=r"2 hosts and 1 virtual PCs need about 1360 MB"):
        check_memory(2, 1, meminfo=meminfo)


def test_sudo_is_told_where_ictops_is_and_what_to_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("ICTOPS_")]:
        monkeypatch.delenv(name)
    command = tmp_path / "a folder" / "ictops"
    command.parent.mkdir()
    command.touch(mode=0o755)
    assert with_sudo([str(command), "lab", "up"]) == f"sudo '{command}' lab up"
    monkeypatch.setenv("ICTOPS_JOURNAL", "postgresql://user:secret@host/db")
    said = with_sudo([str(command), "lab", "up"])
    assert said == f"sudo --preserve-env=ICTOPS_JOURNAL '{command}' lab up"


def test_what_root_made_in_a_persons_workspace_is_given_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Path, int, int]] = []

    def chown(path: Path, user: int, group: int, *, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        given.append((path, user, group))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setenv("SUDO_GID", "100")
    monkeypatch.setenv("SUDO_UID", str(tmp_path.stat().st_uid + 1))
    hand_over([tmp_path / "key"], tmp_path)
    assert given == [], "the workspace is somebody else's"
    monkeypatch.setenv("SUDO_UID", str(tmp_path.stat().st_uid))
    hand_over([tmp_path / "key"], tmp_path)
    assert given == [(tmp_path / "key", tmp_path.stat().st_uid, 100)]


def test_networks_are_free_large_enough_and_never_the_demonstrations() -> None:
    used = [IPv4Network("198.18.16.0/24"), IPv4Network("198.18.19.128/25")]
    found = free_networks([3, 500, 3, 245, 246], used)
    assert [str(network) for network in found] == [
        "198.18.17.0/24",
        "198.18.20.0/23",
        "198.18.18.0/24",
        "198.18.22.0/24",
        "198.18.24.0/23",
    ]
    for network in found:
        assert not network.overlaps(DEMO_NETWORKS)
    with pytest.raises(LabError, match="no networks are free"):
        free_networks([1], [IPv4Network("198.18.0.0/15")])


def test_switches_have_the_like_network_on_this_machine() -> None:
    found = switch_network(IPv4Network("198.19.20.0/23"))
    assert found == IPv4Network("127.19.20.0/23")


def test_labs_of_one_name_in_two_workspaces_share_nothing(tmp_path: Path) -> None:
    one, other = (Lab("lab", tmp_path / name / "inventories" / "lab") for name in ("one", "other"))
    assert one.container("oak-it1-01") != other.container("oak-it1-01")
    assert one.network("oakfield") != other.network("oakfield")
    assert one.label != other.label


@pytest.mark.parametrize("name", ["../x", "..", "", "a b", "Lab", "-x", "x" * 41, "lab\n"])
def test_a_name_that_could_lead_astray_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be a lab's name"):
        Lab(name, tmp_path)
