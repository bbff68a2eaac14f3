"""What can befall a host of the lab, and how it is undone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from ictops.errors import LabError
from ictops.lab.model import Lab
from ictops.lab.podman import containers, own_identity, podman, run

FILLER = "/var/cache/filled-by-ictops-lab"

USUAL_RATE = 256
"""Kilobits a second of a slow host: a poor line between two schools."""

WIRE = "eth0"


class Fault(StrEnum):
    """A fault, or its undoing; the last three can befall switches alone."""

    OFF = "off"
    ON = "on"
    CUT = "cut"
    SLOW = "slow"
    HEAL = "heal"
    FILL = "fill"
    FREE = "free"
    REFUSE = "refuse"
    DROP = "drop"
    REBOOT = "reboot"


Links = Mapping[int, Mapping[str, Any]]


def apply_fault(
    lab: Lab, host: str, fault: Fault, *, rate: int = USUAL_RATE, beside: Sequence[str] = ()
) -> None:
    """Bring a fault on a host, or undo it; to do so twice is as good as once.

    ``off`` pulls the plug; ``cut`` pulls the network cable, so that what is connected hangs;
    ``slow`` leaves it a line of ``rate`` kilobits a second each way; ``heal`` undoes cut and
    slow; ``fill`` fills the file system for downloads (/var/cache), ``free`` empties it.

    :param beside: what else there is that a mistyped name could mean.
    :raises LabError: if there is no such host, or it is off and must not be, or this cannot
        befall a host.
    """
    name = _container(lab, host, beside)
    if fault is Fault.OFF:
        podman("stop", "--time", "0", name)
        return
    if fault is Fault.ON:
        podman("start", name)
        own_identity(name)
        return
    pid = _pid(name)
    if pid == 0:
        raise LabError(
            "the host is switched off", where=host, do=f"'ictops lab fault {host} on' first"
        )
    match fault:
        case Fault.CUT:
            _do("ip", "link", "set", _far_end(pid), "down")
        case Fault.SLOW:
            # Small packets pass at once, so the burst is one full packet (1514 bytes).
            words = ("tbf", "rate", f"{rate}kbit", "burst", "1600", "latency", "1s")
            _shape(pid, *words)
        case Fault.HEAL:
            _heal(pid)
        case Fault.FILL:
            # dd ends with an error when the disk is full: that is what is wanted.
            source, target = "if=/dev/zero", f"of={FILLER}"
            podman("exec", name, "dd", source, target, "bs=1M", "status=none", check=False)
            if os.statvfs(f"/proc/{pid}/root/var/cache").f_bavail:
                raise LabError("its disk could not be filled", where=host)
        case Fault.FREE:
            podman("exec", name, "rm", "-f", FILLER)
        case Fault.REFUSE | Fault.DROP | Fault.REBOOT:
            raise LabError(f"{fault} can befall the lab's switches alone", where=host)


def undo_all(pid: int, container: str) -> None:
    """Undo every fault of a running host.

    :raises LabError: if that cannot be done.
    """
    _heal(pid)
    podman("exec", container, "rm", "-f", FILLER)


def links() -> Links:
    """Give this machine's network devices by their number."""
    listed = json.loads(run(["ip", "-json", "link", "show"]).stdout or "[]")
    return {link["ifindex"]: link for link in listed}


def faults_of(pid: int, wires: Links) -> list[str]:
    """Give those of cut, slow and fill that a running host has."""
    wire = wires.get(_far_number(pid), {})
    seen = {
        Fault.CUT: "UP" not in wire.get("flags", []),
        Fault.SLOW: wire.get("qdisc") == "tbf",
        Fault.FILL: Path(f"/proc/{pid}/root{FILLER}").is_file(),
    }
    return [str(fault) for fault, there in seen.items() if there]


def _container(lab: Lab, host: str, beside: Sequence[str]) -> str:
    """Give the container of a host that there is.

    :raises LabError: saying what is not there, and what to do.
    """
    there = containers(lab)
    if not there:
        do = f"'ictops lab up --name {lab.name}' brings it up"
        raise LabError("this lab is not up", where=lab.name, do=do)
    name = lab.container(host)
    if name not in there:
        names = [str(one["Labels"]["ictops.host"]) for one in there.values()]
        near = get_close_matches(host, [*names, *beside], 1)
        do = f"Did you mean {near[0]}?" if near else "'ictops lab status' shows its hosts"
        raise LabError(f"the lab {lab.name} has no such host", where=host, do=do)
    return name


def _heal(pid: int) -> None:
    _shape(pid, "noqueue")
    _do("ip", "link", "set", _far_end(pid), "up")


def _shape(pid: int, *words: str) -> None:
    """Set how packets wait at both ends of a host's wire."""
    replace = ("tc", "qdisc", "replace", "dev")
    _do(*replace, _far_end(pid), "root", *words)
    _do("nsenter", f"--net=/proc/{pid}/ns/net", *replace, WIRE, "root", *words)


def _far_end(pid: int) -> str:
    """Give the name of this machine's end of a host's wire."""
    number = _far_number(pid)
    found = links().get(number)
    if found is None:
        raise LabError(f"its wire has no end on this machine (number {number})", where=f"{pid}")
    return str(found["ifname"])


def _far_number(pid: int) -> int:
    return int(Path(f"/proc/{pid}/root/sys/class/net/{WIRE}/iflink").read_text())


def _pid(container: str) -> int:
    return int(podman("inspect", "--format", "{{.State.Pid}}", container))


def _do(*words: str) -> None:
    done = run(words)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip()}")
