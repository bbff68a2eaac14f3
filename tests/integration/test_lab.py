"""The lab: what its faults do, seen from outside, and that it is whole whatever befalls it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ictops.lab.farm.ending import running
from ictops.lab.hosts import cluster_of
from ictops.lab.model import Lab
from ictops.lab.packages import SIGNING
from ictops.lab.podman import containers, networks, run, run_enclosed
from ictops.lab.remove import remove
from tests.support.lab import Workspace
from tests.support.runs import COUNTING, apply, counts, newest, until

pytestmark = pytest.mark.lab

HOST = "lab001-ws-01"

ECHO = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("", 7))
    server.settimeout(20)
    for _ in range({count}):
        text, peer = server.recvfrom(2048)
        server.sendto(text, peer)
"""


def address_of(workspace: Workspace, host: str = HOST) -> str:
    return str(cluster_of(workspace.lab).find(host).address)


def fault(workspace: Workspace, what: str, *options: str, host: str = HOST) -> None:
    workspace.ictops("lab", "fault", host, what, *options, "--name", workspace.lab.name)


@contextmanager
def whole_again(workspace: Workspace, undoing: str) -> Iterator[None]:
    try:
        yield
    finally:
        fault(workspace, undoing)


def answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def faults_of(workspace: Workspace, code: int = 0) -> dict[str, list[str]]:
    found = workspace.json("lab", "status", "--name", workspace.lab.name, code=code)
    return {one["host"]: one["faults"] for one in found}


def round_trips(workspace: Workspace, count: int) -> list[float]:
    """Give how long full packets take to a host and back, in seconds."""
    name = workspace.lab.container(HOST)
    server = subprocess.Popen(["podman", "exec", name, "python3", "-c", ECHO.format(count=count)])
    try:
        until(lambda: ":7 " in workspace.on(HOST, "ss", "-lnu"), 10, "the host's echo server")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect((address_of(workspace), 7))
            taken = []
            for _ in range(count):
                begun = time.monotonic()
                client.send(bytes(1400))
                client.recv(2048)
                taken.append(time.monotonic() - begun)
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.wait()
    return taken


def test_a_host_that_is_off_answers_nobody_until_it_is_on(workspace: Workspace) -> None:
    address = address_of(workspace)
    with whole_again(workspace, "on"):
        fault(workspace, "off")
        assert not answers(address)
        states = workspace.json("lab", "status", "--name", workspace.lab.name, code=3)
        assert {s["host"] for s in states if not s["ssh"]} == {HOST}
        said = workspace.ictops("lab", "fault", HOST, "cut", "--name", "t", code=1)
        assert f"{HOST}: the host is switched off" in said
    until(lambda: answers(address), 30, "the host is back")


def test_what_is_connected_hangs_while_the_network_is_cut(workspace: Workspace) -> None:
    address = address_of(workspace)
    routes = workspace.on(HOST, "ip", "route")
    with socket.create_connection((address, 22), timeout=5) as connection:
        assert connection.recv(100).startswith(b"SSH-")
        with whole_again(workspace, "heal"):
            fault(workspace, "cut")
            connection.send(b"SSH-2.0-test\r\n")
            connection.settimeout(1)
            with pytest.raises(TimeoutError):
                connection.recv(100)
            assert not answers(address)
            assert faults_of(workspace, code=3)[HOST] == ["cut"]
        connection.settimeout(30)
        assert connection.recv(100), "what was under way goes on"
    assert workspace.on(HOST, "ip", "route") == routes


def test_a_slow_line_makes_round_trips_long(workspace: Workspace) -> None:
    quick = statistics.median(round_trips(workspace, 8))
    with whole_again(workspace, "heal"):
        fault(workspace, "slow", "--rate", "128")
        assert faults_of(workspace)[HOST] == ["slow"]
        slow = statistics.median(round_trips(workspace, 8))
    # 1442 bytes at 128 kbit/s are 90 ms.
    assert slow > 0.08
    assert quick < 0.02
    assert statistics.median(round_trips(workspace, 8)) < 0.02


def test_a_full_disk_takes_nothing_until_it_is_freed(workspace: Workspace) -> None:
    write = ["podman", "exec", workspace.lab.container(HOST), "dd"]
    write += ["if=/dev/zero", "of=/var/cache/a-download", "bs=64k", "count=1"]
    with whole_again(workspace, "free"):
        fault(workspace, "fill")
        done = run(write)
        assert done.returncode != 0
        assert "No space left on device" in done.stderr
        assert faults_of(workspace)[HOST] == ["fill"]
    assert run(write).returncode == 0
    workspace.on(HOST, "rm", "/var/cache/a-download")


def test_up_undoes_every_fault(workspace: Workspace) -> None:
    name = workspace.lab.name
    fault(workspace, "off", host="lab002-ws-01")
    for what in ("fill", "slow", "cut"):
        fault(workspace, what)
        fault(workspace, what)  # twice is as good as once
    assert faults_of(workspace, code=3)[HOST] == ["cut", "slow", "fill"]
    found = workspace.json("lab", "up", "--name", name)
    assert [one for one in found if one["faults"] or not one["ssh"]] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fault", "lab001-ws-1", "off", "--name", "t"], 1, "Did you mean lab001-ws-01?"),
        (["fault", HOST, "smash", "--name", "t"], 2, "off, on, cut, slow, heal, fill, free"),
        (["fault", HOST, "drop", "--name", "t"], 1, "drop can befall the lab's switches alone"),
        (["fault", HOST, "off", "--name", "other"], 1, "other: this lab is not up"),
        (["status", "--name", "other"], 1, "Labs of this workspace: t;"),
        (["up", "--name", "t", "--sites", "3"], 1, "2 made-up schools, workstations: 2 each"),
        (["up", "--copy", "../t"], 1, "there is no such cluster"),
        (["up", "--name", "mine"], 1, "is a cluster of your own, not a lab's"),
        (["down", "--name", "../.."], 1, "cannot be a lab's name"),
        (["down", "--name", "other"], 0, "there is no lab other here (labs: t)"),
    ],
)
def test_errors_say_what_to_do(
    workspace: Workspace, words: list[str], code: int, said: str
) -> None:
    own = workspace.folder / "inventories" / "mine"
    own.mkdir(exist_ok=True)
    try:
        text = workspace.ictops("lab", *words, code=code)
    finally:
        own.rmdir()
    assert said in " ".join(text.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ictops lab fault --name t lab001-w", ["lab001-ws-01", "lab001-ws-02"]),
        ("ictops lab fault --name t lab001-ws-01 f", ["fill", "free"]),
        ("ictops lab status --name ", ["t"]),
        ("ictops lab fault --name none lab", []),
    ],
)
def test_tab_offers_hosts_faults_and_labs(
    workspace: Workspace, typed: str, offered: list[str]
) -> None:
    number = str(len(typed.split()) - (not typed.endswith(" ")))
    asks = {"_ICTOPS_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": number}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ictops")], cwd=workspace.folder, text=True, check=False,
        env={**workspace.environment, **asks}, capture_output=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split() == offered


def apt_update(workspace: Workspace) -> tuple[int, str]:
    """Fetch the package lists into a folder of the test's own."""
    lists = f"/tmp/lists-{secrets.token_hex(3)}"  # noqa: S108 - on a host of the lab
    script = f"mkdir -p {lists}/partial && LC_ALL=C apt-get -o Dir::State::Lists={lists} update"
    done = run(["podman", "exec", workspace.lab.container(HOST), "sh", "-c", f"({script}) 2>&1"])
    return done.returncode, done.stdout


FORGE = """
mount -t tmpfs tmpfs /mnt
export GNUPGHOME=/mnt
chmod 700 /mnt
gpg --batch --quiet --passphrase '' --quick-generate-key 'ictops lab' ed25519 sign never
gpg --batch --quiet --yes --output "$1/InRelease" --clearsign "$1/Release"
"""


def test_apt_refuses_what_the_lab_did_not_sign(workspace: Workspace) -> None:
    packages = workspace.lab.packages
    index, signed = packages / "Packages", packages / "InRelease"
    good_index, good_signed = index.read_bytes(), signed.read_bytes()
    assert apt_update(workspace)[0] == 0
    try:
        index.write_bytes(good_index.replace(b"Version: 2.0", b"Version: 9.9"))
        code, said = apt_update(workspace)
        assert code == 100
        assert "Hash Sum mismatch" in said

        signed.write_bytes(good_signed.replace(b"Suite: lab", b"Suite: bad"))
        code, said = apt_update(workspace)
        assert code == 100
        assert "BADSIG" in said

        forged = run_enclosed(["sh", "-ec", FORGE, "forge", str(packages)])
        assert forged.returncode == 0, forged.stderr
        code, said = apt_update(workspace)
        assert code == 100
        assert "NO_PUBKEY" in said
    finally:
        index.write_bytes(good_index)
        signed.write_bytes(good_signed)
    assert apt_update(workspace)[0] == 0


def test_apt_refuses_a_package_that_is_not_the_one_in_the_index(workspace: Workspace) -> None:
    package = workspace.lab.packages / "school-fonts_1.1_all.deb"
    good = package.read_bytes()
    fetch = "apt-get update -qq && cd /root && LC_ALL=C apt-get download school-fonts=1.1 2>&1"
    words = ["podman", "exec", workspace.lab.container(HOST), "sh", "-c", fetch]
    try:
        package.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        done = run(words)
        assert done.returncode != 0
        assert "Hash Sum mismatch" in done.stdout
    finally:
        package.write_bytes(good)
    assert run(words).returncode == 0
    workspace.on(HOST, "rm", "/root/school-fonts_1.1_all.deb")


def test_the_key_that_signed_is_nowhere(workspace: Workspace) -> None:
    kept = [path for path in workspace.lab.own.rglob("*") if path.is_file()]
    assert workspace.lab.keyring in kept
    for path in kept:
        listed = run(["gpg", "--batch", "--list-packets", str(path)]).stdout
        assert ":secret key packet:" not in listed
    assert not SIGNING.exists()
    running = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.is_file()]
    assert not [words for words in running if bytes(SIGNING) in words]


def test_a_rehearsal_reaches_the_lab_alone_also_when_it_is_carried_on(
    workspace: Workspace,
) -> None:
    settings = workspace.folder / "ictops.toml"
    plain = settings.read_text()
    settings.write_text(plain.replace('cluster = "t"', 'cluster = "mine"'))
    try:
        plan = workspace.plan(
            COUNTING.format(name="rehearsed", seconds=0), "--cluster", "t", "--limit", HOST
        )
        workspace.ictops(*apply(plan), "--no-wait", "--cluster", "t", code=6)
        workspace.ictops("run", "resume", newest(workspace))
    finally:
        settings.write_text(plain)
    assert counts(workspace, "rehearsed", [HOST]) == {HOST: 1}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Workspace]:
    """Another workspace with a lab of the same name, not up yet."""
    (tmp_path / "ictops.toml").write_text('cluster = "t"\nstate_dir = "state"\n')
    lab = Lab("t", tmp_path / "inventories" / "t")
    try:
        yield Workspace(tmp_path, lab)
    finally:
        remove(lab)


SMALL = ("lab", "up", "--name", "t", "--sites", "1", "--workstations", "2", "--switches", "2")


SWITCHES = ["lab001-sw-01", "lab001-sw-02"]


def kill_half_up(other: Workspace) -> None:
    """Bring the other lab up, and kill that as soon as the first of its hosts is there."""
    process = other.start(*SMALL)
    until(lambda: bool(containers(other.lab)), 120, "a host is there")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_lab_that_was_killed_half_up_comes_up_and_goes(
    workspace: Workspace, other: Workspace
) -> None:
    kill_half_up(other)
    found = other.json(*SMALL)
    assert [one["ssh"] for one in found] == [True] * 5
    assert found == other.json(*SMALL), "the second time nothing is amiss"
    farm = running(other.lab.farm)
    assert farm is not None
    os.kill(farm, signal.SIGKILL)
    missing = other.json("lab", "status", "--name", "t", code=3)
    assert [one["host"] for one in missing if not one["ssh"]] == SWITCHES
    assert found == other.json(*SMALL), "the switches' process is started again"
    assert other.ictops("lab", "down", "--name", "t") == "taken away: the lab t\n"
    assert running(other.lab.farm) is None
    assert containers(other.lab) == {}
    assert networks(other.lab) == []
    assert not other.lab.folder.exists()
    assert set(map(tuple, faults_of(workspace).values())) == {()}, "the first one is as it was"


def test_a_lab_that_was_killed_half_up_goes(workspace: Workspace, other: Workspace) -> None:
    kill_half_up(other)
    until(lambda: not _podmans_of(other), 30, "podman has ended what it was about")
    # The image stays: the session's lab has hosts of it.
    assert other.ictops("lab", "down", "--all") == "taken away: the lab t\n"
    assert running(other.lab.farm) is None
    assert containers(other.lab) == {}
    assert networks(other.lab) == []
    assert list((other.folder / "inventories").iterdir()) == []


def test_switches_of_a_lab_are_backed_up_and_have_their_faults(
    workspace: Workspace, other: Workspace
) -> None:
    core, edge = SWITCHES
    found = other.json(*SMALL)
    assert {one["host"]: one["what"] for one in found if one["port"] != 22} == dict.fromkeys(
        SWITCHES, "simulated"
    )
    assert "no faults in 1 site and 5 hosts of t" in other.ictops("inventory", "check")
    assert other.json("switch", "backup")["unsaved"] == []
    kept = other.folder / "state" / "switches" / "t" / "lab001"
    assert "hostname lab001-sw-01\n" in (kept / core / "running.cfg").read_text()
    assert f"System Name: {edge}\n" in (kept / core / "neighbours.txt").read_text()

    fault(other, "off", host=core)
    fault(other, "refuse", "--line", "show version", host=edge)
    states = other.json("lab", "status", "--name", "t", code=3)
    told = {one["host"]: (one["state"], one["faults"]) for one in states}
    assert (told[core], told[edge]) == (("off", []), ("running", ["refuse"]))
    said = " ".join(other.ictops("switch", "backup", code=4).split())
    assert f"{core}: it does not answer" in said
    assert f"{edge}: the switch does not take 'show version'" in said
    assert found == other.json(*SMALL), "all faults are undone"
    assert "Nothing has changed" in other.ictops("switch", "backup")


def _podmans_of(other: Workspace) -> list[bytes]:
    label = other.lab.label.encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if words.startswith(b"podman") and label in words:
            found.append(words)
    return found
