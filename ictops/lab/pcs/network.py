"""A room's network segment: nothing of it is in this machine's own network."""

from __future__ import annotations

from ictops.errors import LabError
from ictops.lab.pcs.model import BRIDGE, Pc, Room
from ictops.lab.podman import podman, run

UPLINK = "img0"
"""A boot server's card in a room."""


def make_network(room: Room) -> None:
    """Make a room's segment, if it is not there.

    :raises LabError: with ip's own words.
    """
    if room.namespace in run(("ip", "netns", "list")).stdout.split():
        return
    do("ip", "netns", "add", room.namespace)
    inside(room, "ip", "link", "set", "lo", "up")
    # Forwards at once: a bridge that listens first would cost each PC its first half minute.
    inside(
        room, "ip", "link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0"
    )
    inside(room, "ip", "address", "add", f"{room.address}/{room.network.prefixlen}", "dev", BRIDGE)
    inside(room, "ip", "link", "set", BRIDGE, "up")


def remove_network(room: Room) -> None:
    """Take a room's segment away with all that is plugged in."""
    run(("ip", "netns", "delete", room.namespace))


def plug_in(room: Room, pc: Pc) -> None:
    """Lay a PC's cable to its room's segment, if it is not there.

    :raises LabError: with ip's own words.
    """
    if run(within(room, "ip", "link", "show", "dev", pc.name)).returncode == 0:
        return
    inside(room, "ip", "tuntap", "add", "dev", pc.name, "mode", "tap")
    inside(room, "ip", "link", "set", "dev", pc.name, "master", BRIDGE, "up")


def slow_down(room: Room, pc: Pc, *, megabits: float) -> None:
    """Let a PC have a slow line towards itself.

    :param megabits: a second.
    :raises LabError: with tc's own words.
    """
    shape = ("tbf", "rate", f"{round(megabits * 1000)}kbit", "burst", "64kb", "latency", "400ms")
    inside(room, "tc", "qdisc", "replace", "dev", pc.name, "root", *shape)


def speed_up(room: Room, pc: Pc) -> None:
    """Undo :func:`slow_down`."""
    run(within(room, "tc", "qdisc", "delete", "dev", pc.name, "root"))


def reaches(room: Room, container: str) -> bool:
    """Say whether a running container has a card in a room."""
    pid = podman("inspect", "--format", "{{.State.Pid}}", container)
    inside_it = run(("nsenter", "-t", pid, "-n", "ip", "-json", "address", "show", "dev", UPLINK))
    return inside_it.returncode == 0 and f'"{room.server}"' in inside_it.stdout


def join(room: Room, container: str) -> None:
    """Give a running container a card in a room, with the address of the room's boot server.

    It forwards between the room and its own network, as a school's router does.

    :raises LabError: if there is no such container, or it has such a card already.
    """
    join_process(room, int(podman("inspect", "--format", "{{.State.Pid}}", container)))


def join_process(room: Room, pid: int) -> None:
    """Give the network namespace of a process what :func:`join` gives a container's.

    :raises LabError: with ip's own words.
    """
    port = ("type", "veth", "peer", "name", UPLINK, "netns", str(pid))
    inside(room, "ip", "link", "add", "server", *port)
    inside(room, "ip", "link", "set", "server", "master", BRIDGE, "up")
    enter = ("nsenter", "-t", str(pid), "-n")
    address = f"{room.server}/{room.network.prefixlen}"
    do(*enter, "ip", "address", "add", address, "dev", UPLINK)
    do(*enter, "ip", "link", "set", UPLINK, "up")
    do(*enter, "sh", "-ec", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def route(room: Room, via: str) -> None:
    """Let this machine reach a room's PCs, through its boot server.

    This is the one thing in this machine's own network; it goes with the container's network.

    :param via: the boot server's address in the lab.
    :raises LabError: with ip's own words.
    """
    do("ip", "route", "replace", str(room.network), "via", via)


def within(room: Room, *words: str) -> tuple[str, ...]:
    """Give the command line of a command in a room's namespace."""
    return ("ip", "netns", "exec", room.namespace, *words)


def inside(room: Room, *words: str) -> str:
    """Run a command in a room's namespace and give what it prints.

    :raises LabError: with its own words if it fails.
    """
    return do(*within(room, *words))


def do(*words: str) -> str:
    """Run a command and give what it prints.

    :raises LabError: with its own words if it fails.
    """
    done = run(words)
    if done.returncode:
        raise LabError(f"{' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout
