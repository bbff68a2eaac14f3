"""The fingerprint of a host, on files that stand for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.administrators import administrators
from ansible_collections.ictops.schools.plugins.module_utils.fingerprint import (
    fingerprint,
    listening,
)
from ansible_collections.ictops.schools.plugins.modules.host_expectations import (
    is_own,
    of_administrators,
    of_ports,
)
from ansible_collections.ictops.schools.plugins.modules.mount_flags import mounted

DECLARED = {
    "files": ["/etc/motd", "/etc/cron.d/*", "/etc/localtime", "/etc/gone"],
    "packages": [True],
    "sysctl": ["net.ipv4.ip_forward"],
    "mounts": ["/srv"],
    "ports": [True],
}
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1
   1: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 2 1
   2: 0100007F:0016 0100007F:9999 01 00000000:00000000 00:00000000 00000000 0 0 3 1
"""
UDP = """\
  sl  local_address rem_address   st
   0: 00000000:00A1 00000000:0000 07
   1: 00000000:C001 00000000:0000 07
"""
MOUNTS = "36 35 98:0 / /srv rw,nosuid,nodev shared:1 - tmpfs tmpfs rw,size=1m\n"
STATUS = """\
Package: hello
Status: install ok installed
Architecture: amd64
Version: 2.10-3
Description: hi
 Version: 9
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    texts = {
        "etc/motd": "Oakfield\n",
        "etc/cron.d/tidy": "0 4 * * * root true\n",
        "var/lib/dpkg/status": STATUS,
        "proc/sys/net/ipv4/ip_forward": "0\n",
        "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "proc/self/mountinfo": MOUNTS,
        "proc/net/tcp": TCP,
        "proc/net/udp": UDP,
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:27::/:/bin/sh\nbob:x:1001:100::/:/x\n",
        "etc/group": "root:x:0:\nsudo:x:27:\nusers:x:100:\nhelpers:x:101:bob\n",
        "etc/sudoers": "# all\nDefaults env_reset\nroot ALL=(ALL) ALL\n%sudo ALL=(ALL) ALL\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/London")
    (tmp_path / "etc/sudoers.d").mkdir()
    return tmp_path


def change(name: str, was: str, now: str) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert was in text
        path.write_text(text.replace(was, now))

    return do


def relink(root: Path) -> None:
    (root / "etc/localtime").unlink()
    (root / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "content": ("files", change("etc/motd", "Oak", "Ash")),
    "mode": ("files", lambda root: (root / "etc/motd").chmod(0o600)),
    "owner": ("files", lambda root: os.chown(root / "etc/motd", 1, 1)),
    "gone": ("files", lambda root: (root / "etc/motd").unlink()),
    "new": ("files", lambda root: (root / "etc/cron.d/more").touch()),
    "link": ("files", relink),
    "version": ("packages", change("var/lib/dpkg/status", "2.10-3", "2.10-4")),
    "hold": ("packages", change("var/lib/dpkg/status", "install ok", "hold ok")),
    "sysctl": ("sysctl", change("proc/sys/net/ipv4/ip_forward", "0", "1")),
    "mount": ("mounts", change("proc/self/mountinfo", "nosuid,", "")),
    "unmount": ("mounts", change("proc/self/mountinfo", "/srv", "/var")),
    "port": ("ports", change("proc/net/tcp", "0016 00000000", "0017 00000000")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_seen_in_its_part_and_in_no_other(root: Path, name: str) -> None:
    if name == "owner" and os.geteuid():
        pytest.skip("only root gives files away")
    part, do = CHANGES[name]
    before = fingerprint(DECLARED, root)
    assert fingerprint(DECLARED, root) == before
    assert set(before) == set(DECLARED)
    do(root)
    after = fingerprint(DECLARED, root)
    assert [one for one in before if before[one] != after[one]] == [part]


def test_what_is_not_declared_is_not_looked_at(root: Path) -> None:
    (root / "etc/other").write_text("secret")
    before = fingerprint(DECLARED, root)
    (root / "etc/other").write_text("another")
    change("proc/net/udp", "C001", "C002")(root)  # a port that was lent
    change("var/lib/dpkg/status", ": hi", ": ho")(root)
    assert fingerprint(DECLARED, root) == before
    assert fingerprint({}, root) == {}


def test_ports_that_others_reach_are_compared(root: Path) -> None:
    assert listening(root, 32768) == [
        ("tcp", 22, "00000000"), ("tcp", 25, "0100007F"), ("udp", 161, "00000000"),
    ]  # fmt: skip
    assert of_ports(["22/tcp", "161/udp"], root) == []
    assert [one["what"] for one in of_ports(["22/tcp", "80/tcp"], root)] == [
        "port 161/udp", "port 80/tcp",
    ]  # fmt: skip
    assert is_own("tcp6", "00000000000000000000000001000000")
    assert is_own("tcp6", "0000000000000000FFFF00000100007F")
    assert not is_own("tcp6", "00000000000000000000000000000000")


def test_administrators_are_found_whatever_makes_them_so(root: Path) -> None:
    assert administrators(root) == {"ann": ["group sudo"], "root": ["/etc/sudoers", "user id 0"]}
    rules = (
        "User_Alias BOSSES = bob, %staff\nBOSSES ALL=(ALL) ALL\n"
        "%helpers, dave \\\n ALL=(ALL) NOPASSWD: ALL\n"
        "#1005 ALL=(ALL) ALL\n# eve ALL=(ALL) ALL\nCmnd_Alias X = /bin/x\n"
    )
    (root / "etc/sudoers.d/more").write_text(rules)
    (root / "etc/sudoers.d/more.bak").write_text("mallory ALL=(ALL) ALL\n")
    found = administrators(root)
    assert found.keys() == {"ann", "bob", "root", "%staff", "dave", "#1005"}
    assert found["bob"] == ["/etc/sudoers.d/more", "group helpers"]
    differs = {one["what"] for one in of_administrators(["ann", "bob", "carl"], root)}
    assert differs == {f"administrator {name}" for name in ("%staff", "dave", "#1005", "carl")}


def test_flags_are_read_of_what_is_on_top() -> None:
    assert mounted(MOUNTS + MOUNTS.replace("nodev", "noexec")) == {"/srv": {"nosuid", "noexec"}}
