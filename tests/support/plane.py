"""A school whose switch really carries: network namespaces, joined by Open vSwitch.

    the box --- core ===trunk=== the switch --- its PCs

The switch's command line is a simulated one in a namespace of its own, its ports are those of
a bridge (see :mod:`ictops.lab.farm.plane`). ``core`` stands for the rest of the network: another
bridge, which carries every VLAN, with the box in the management VLAN.

Nothing of the machine's own is used: no service, no name that another run could have. A
namespace lasts as long as a process holds it, and each process ends with the one that
started it, also if that is killed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from ictops.lab.farm.model import Plane
from ictops.lab.farm.process import Farm
from tests.support.farm import device, farm_of, wait_until

DATA = Path(__file__).parents[1] / "data" / "plane"
"""What the switch of each platform runs at first."""
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
MANAGEMENT, CLASSROOM = 10, 20
BOX, SWITCH = "198.51.100.1", "198.51.100.2"
SERVER = "203.0.113.1"
IOS, CX = "cisco_ios", "aruba_aoscx"
NAME = "oak-sw-01"
PORTS = {
    IOS: [f"GigabitEthernet0/{n}" for n in (1, 2, 3, 24)],
    CX: [f"1/1/{n}" for n in (1, 2, 3, 24)],
}
"""Those of the PCs, and the uplink."""
KNOCK_SECONDS = 1.0
# Whoever refuses is there: no program needs to listen.
_KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=float(sys.argv[2]))
except ConnectionRefusedError:
    pass
except OSError:
    sys.exit(1)
"""
# Open vSwitch takes frames from a veth before anybody has put their checksums in (ETHTOOL_STXCSUM).
_WITH_CHECKSUMS = """
import array, fcntl, socket, struct, sys
off = array.array("B", struct.pack("II", 0x17, 0))
asked = struct.pack("16sP16x", sys.argv[1].encode(), off.buffer_info()[0])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_one:
    fcntl.ioctl(any_one, 0x8946, asked)
"""
_PYTHON = (sys.executable, "-I", "-S", "-c")
_ENVIRONMENT = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")


def need_plane() -> None:
    """Skip the test, saying what is needed, where there can be no plane; but never in CI."""
    there = {
        "openvswitch-switch (apt-get install)": shutil.which(
            "ovs-vswitchd", path=_ENVIRONMENT["PATH"]
        ),
        "the right to make network namespaces": _may_make_namespaces(),
    }
    missing = [what for what, found in there.items() if not found]
    if missing:
        why = f"no data plane on this machine: needs {' and '.join(missing)}"
        if os.environ.get("CI"):
            raise RuntimeError(why)
        pytest.skip(why)


def _may_make_namespaces() -> bool:
    words = ("unshare", "--net", "ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
    return subprocess.run(words, capture_output=True, check=False, env=_ENVIRONMENT).returncode == 0


@dataclass(frozen=True)
class Namespace:
    """A network namespace, and the process that holds it."""

    pid: int

    @property
    def within(self) -> list[str]:
        """The words before those of a program that is to run in it."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *_DIES_WITH_US]

    def run(self, *words: str) -> str:
        """Run a program in it, and give what it says."""
        done = subprocess.run(
            [*self.within, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            check=False, env=_ENVIRONMENT,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it: this thread, and those that it starts meanwhile."""
        with Path("/proc/thread-self/ns/net").open("rb") as ours:
            with Path(f"/proc/{self.pid}/ns/net").open("rb") as other:
                _set_namespace(other.fileno())
            try:
                yield
            finally:
                _set_namespace(ours.fileno())

    def reaches(self, address: str) -> bool:
        """Whether a packet gets to an address and its answer comes back, within a second."""
        words = [*self.within, *_PYTHON, _KNOCK, address, str(KNOCK_SECONDS)]
        return subprocess.run(words, check=False).returncode == 0

    def wait_reached(self, address: str) -> None:
        """Wait until it is so: who was looked for in vain is looked for again after a while."""
        wait_until(lambda: self.reaches(address), f"an answer of {address}")

    @contextmanager
    def knocking(self, address: str) -> Iterator[list[bool]]:
        """Give whether an address was reached, each time that it was tried while this lasted."""
        reached: list[bool] = []
        over = Event()

        def knock() -> None:
            while not over.is_set():
                reached.append(self.reaches(address))
                over.wait(0.1)

        thread = Thread(target=knock)
        thread.start()
        try:
            yield reached
        finally:
            over.set()
            thread.join()


def _set_namespace(of: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns comes with Python 3.12
    if libc.setns(of, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A network namespace of nobody else's, for as long as this lasts."""
    # It ends when there is nobody any more who could say something to it.
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ENVIRONMENT,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n", "there is no network namespace"
        yield Namespace(holder.pid)


class Wires:
    """An Open vSwitch of our own: bridges, and cables to what is plugged into them."""

    def __init__(self, folder: Path, space: Namespace) -> None:
        self.folder = folder
        self.space = space

    @property
    def database(self) -> str:
        return str(self.folder / "db.sock")

    def bridge(self, name: str) -> None:
        self.vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev")

    def vsctl(self, *words: str) -> str:
        """Say something to it, also to one that is just starting."""
        options = (f"--db=unix:{self.database}", "--retry", "--timeout=10")
        return self.space.run("ovs-vsctl", *options, *words)

    def cable(self, end: str, other: str, to: Namespace | None = None, address: str = "") -> None:
        """Join an interface of this Open vSwitch to one of another namespace, or of its own."""
        self.space.run("ip", "link", "add", end, "type", "veth", "peer", "name", other)
        for one in (end, other):
            self.space.run(*_PYTHON, _WITH_CHECKSUMS, one)
            self.space.run("ip", "link", "set", one, "up")
        if to is not None:
            self.space.run("ip", "link", "set", other, "netns", str(to.pid))
            to.run("ip", "address", "add", f"{address}/24", "dev", other)
            to.run("ip", "link", "set", other, "up")


@contextmanager
def wires(folder: Path) -> Iterator[Wires]:
    """An Open vSwitch with its own database, in a namespace where nothing else is."""
    folder.mkdir()
    with namespace() as space:
        made = Wires(folder, space)
        # The namespace is all cables: its kernel is to say nothing on any of them.
        space.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        space.run("ovsdb-tool", "create", str(folder / "conf.db"), str(SCHEMA))
        serve = [str(folder / "conf.db"), f"--remote=punix:{made.database}"]
        with _daemon(made, "ovsdb-server", *serve):
            made.vsctl("--no-wait", "init")
            with _daemon(made, "ovs-vswitchd", f"unix:{made.database}"):
                yield made


@contextmanager
def _daemon(of: Wires, name: str, *words: str) -> Iterator[None]:
    folder = str(of.folder)
    own = ["-vconsole:off", f"--unixctl={folder}/{name}.ctl", f"--log-file={folder}/{name}.log"]
    places = dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), folder)
    process = subprocess.Popen(
        [*of.space.within, name, *own, *words],
        stdin=subprocess.DEVNULL, env={**_ENVIRONMENT, **places},
    )  # fmt: skip
    with process:
        try:
            yield
        finally:
            process.terminate()


@dataclass(frozen=True)
class School:
    """A switch that carries, and what is plugged in."""

    platform: str
    wires: Wires
    box: Namespace
    """Where ictops runs, in the management VLAN."""
    server: Namespace
    """Beyond the uplink, in the VLAN of the classrooms; its address is :data:`SERVER`."""
    pcs: Mapping[str, Namespace]
    """By the port that they are plugged into."""
    addresses: Mapping[str, str]
    """Theirs, likewise; all in the server's network."""
    farm: Farm

    @property
    def ports(self) -> tuple[str, ...]:
        """Those with a PC: two in the classrooms' VLAN, one in the staff's."""
        return tuple(self.pcs)

    def joined(self, port: str, other: str) -> bool:
        """Whether the PCs on two ports reach each other."""
        return self.pcs[port].reaches(self.addresses[other])

    def wait_joined(self, port: str, other: str) -> None:
        """Wait until they do."""
        self.pcs[port].wait_reached(self.addresses[other])


@contextmanager
def school(folder: Path, platform: str, **farm: Any) -> Iterator[School]:
    """A school of one switch of a platform, for as long as this lasts.

    :param farm: what :class:`~ictops.lab.farm.model.FarmModel` takes.
    """
    *ports, uplink = PORTS[platform]
    addresses = {port: f"203.0.113.{at}" for at, port in enumerate(ports, start=11)}
    interfaces = {port: f"port{at}" for at, port in enumerate(ports, start=1)}
    with ExitStack() as stack:
        made = stack.enter_context(wires(folder / "wires"))
        box, server, inside = (stack.enter_context(namespace()) for _ in range(3))
        pcs = {port: stack.enter_context(namespace()) for port in ports}
        for bridge in ("core", "switch"):
            made.bridge(bridge)
        made.cable("uplink", "downlink")
        made.cable("core-box", "eth0", box, BOX)
        made.cable("core-server", "eth0", server, SERVER)
        made.vsctl(
            *("add-port", "core", "downlink"),
            *("--", "add-port", "core", "core-box", f"tag={MANAGEMENT}"),
            *("--", "add-port", "core", "core-server", f"tag={CLASSROOM}"),
        )
        for port, pc in pcs.items():
            made.cable(interfaces[port], "eth0", pc, addresses[port])
        made.cable("cpu", f"vlan{MANAGEMENT}", inside, SWITCH)
        plane = Plane(
            database=made.database,
            bridge="switch",
            ports={**interfaces, uplink: "uplink"},
            own={MANAGEMENT: "cpu"},
        )
        of_school = device(
            platform,
            NAME,
            running=(DATA / f"{platform}.cfg").read_text(),
            plane=plane,
            address=SWITCH,
            port=22,
        )
        played = farm_of(folder / "farm", of_school, within=inside.within, **farm)
        yield School(platform, made, box, server, pcs, addresses, stack.enter_context(played))
