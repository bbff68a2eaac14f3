"""What can befall a host of the lab, and how it is undone."""

from __future__ import annotations

from enum import StrEnum

from ictops.errors import LabError
from ictops.lab.hosts import Lab
from ictops.lab.podman import inspect_pid, own_identity, podman, run

FILLER = "/var/cache/filled-by-ictops-lab"


class Fault(StrEnum):
    """A fault, or its undoing."""

    OFF = "off"
    ON = "on"
    CUT = "cut"
    HEAL = "heal"
    SLOW = "slow"
    FILL = "fill"
    FREE = "free"


def apply_fault(lab: Lab, host: str, fault: Fault, *, delay_ms: int = 300) -> None:
    """Bring a fault on a host, or undo it.

    ``off`` pulls the plug; ``cut`` takes the network away so that what is connected hangs;
    ``heal`` undoes cut and slow; ``fill`` fills the file system for downloads
    (/var/cache), and ``free`` empties it.

    :raises LabError: if there is no such host, or this machine's kernel cannot do it.
    """
    name = lab.container(host)
    if run(["podman", "container", "exists", name]).returncode != 0:
        raise LabError(
            "the lab has no such host", where=host, do="'ictops lab status' shows its hosts"
        )
    match fault:
        case Fault.OFF:
            podman("stop", "--time", "0", name)
        case Fault.ON:
            podman("start", name)
            own_identity(name)
        case Fault.CUT:
            _in_network(name, "ip", "link", "set", "eth0", "down")
        case Fault.HEAL:
            _in_network(name, "ip", "link", "set", "eth0", "up")
            _in_network(name, "tc", "qdisc", "del", "dev", "eth0", "root", check=False)
        case Fault.SLOW:
            delay = f"{delay_ms}ms"
            words = ("tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "delay", delay)
            _in_network(name, *words)
        case Fault.FILL:
            # dd ends with an error when the disk is full: that is what is wanted.
            source, target = "if=/dev/zero", f"of={FILLER}"
            podman("exec", name, "dd", source, target, "bs=1M", "status=none", check=False)
        case Fault.FREE:
            podman("exec", name, "rm", "-f", FILLER)


def _in_network(container: str, *words: str, check: bool = True) -> None:
    pid = inspect_pid(container)
    done = run(["nsenter", f"--net=/proc/{pid}/ns/net", *words])
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip()}", where=container)
