"""Podman and the tools beside it, as far as the lab needs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from ictops.errors import LabError
from ictops.lab.model import LABEL, Lab


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and give its end, whatever it is."""
    return subprocess.run(
        list(words), check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def run_enclosed(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with processes and mounts of its own, so that it leaves neither behind.

    Every process of it ends when it does, and when this process is killed; what it mounts
    is nowhere else.
    """
    enclosure = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    return run(("setpriv", "--pdeathsig", "KILL", *enclosure, *words))


def podman(*words: str, check: bool = True) -> str:
    """Run podman and give what it prints.

    :raises LabError: with podman's own words if it fails.
    """
    done = run(("podman", *words))
    if check and done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabError(f"podman {words[0]} failed: {last}")
    return done.stdout.strip()


def containers(lab: Lab) -> dict[str, dict[str, Any]]:
    """Give podman's account of every container of a lab, by the container's name."""
    listed = _listed("ps", "--all", "--filter", f"label={lab.label}")
    return {one["Names"][0]: one for one in listed}


def networks(lab: Lab) -> list[str]:
    """Give the names of a lab's networks."""
    return podman("network", "ls", "--quiet", "--filter", f"label={lab.label}").splitlines()


def folders_of_labs() -> set[str]:
    """Give the folder of every lab that has a container or a network on this machine."""
    listed = [
        *_listed("ps", "--all", "--filter", f"label={LABEL}"),
        *_listed("network", "ls", "--filter", f"label={LABEL}"),
    ]
    labels = [one.get("labels") or one.get("Labels") or {} for one in listed]
    return {found[LABEL] for found in labels if LABEL in found}


OWN_IDENTITY = """
mounted() { grep -q " $1 " /proc/self/mounts; }
for file in /etc/hostname /etc/hosts; do
  mounted $file || continue
  text=$(cat $file)
  umount $file
  echo "$text" > $file
  chmod 0644 $file
done
boot_id=/proc/sys/kernel/random/boot_id
if ! mounted $boot_id; then
  cat /proc/sys/kernel/random/uuid > /run/boot_id
  mount --bind /run/boot_id $boot_id
fi
"""


def own_identity(container: str) -> None:
    """Give a running host its own /etc/hostname, /etc/hosts and boot id, if it has not.

    podman mounts the first two from outside, and a mounted file cannot be replaced by a
    rename: what sets a name on a real host would fail here. The boot id is the kernel's, and
    would say of a host that was restarted that it was not.

    :raises LabError: if it cannot be done.
    """
    pid = podman("inspect", "--format", "{{.State.Pid}}", container)
    done = run(["nsenter", "-t", pid, "-m", "-p", "sh", "-ec", OWN_IDENTITY])
    if done.returncode != 0:
        raise LabError(f"no identity of its own: {done.stderr.strip()}", where=container)


def _listed(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(podman(*words, "--format", "json") or "[]") or []
    return found
