"""Podman, as far as the lab needs it, with the flags that this machine wants."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from ictops.errors import LabError

PACKAGES = "podman runc mmdebstrap dpkg-dev iproute2 openssh-client"
LABEL = "ictops.lab"

_CAP_SYS_RESOURCE = 24


def require() -> None:
    """Check that this machine can hold a lab.

    :raises LabError: saying what is missing and how to get it.
    """
    if os.geteuid() != 0:
        raise LabError("the lab makes networks and systemd hosts, so it needs root", do="Use sudo")
    tools = ("podman", "mmdebstrap", "dpkg-deb", "dpkg-scanpackages", "ip", "nsenter")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise LabError(
            f"this machine has no {', '.join(missing)}", do=f"apt-get install {PACKAGES}"
        )


def podman(*words: str, check: bool = True) -> str:
    """Run podman and give what it prints.

    :raises LabError: with podman's own words if it fails.
    """
    done = run(("podman", *words))
    if check and done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabError(f"podman {words[0]} failed: {last}")
    return done.stdout.strip()


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and give its end, whatever it is."""
    return subprocess.run(
        list(words), check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def host_flags() -> list[str]:
    """Give what ``podman run`` needs for a systemd host on this machine."""
    flags = ["--systemd=always"]
    if shutil.which("runc"):  # crun cannot start systemd under hybrid cgroups
        flags = ["--runtime", "runc", *flags]
    if not _may_raise_limits():
        flags += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
    return flags


def _may_raise_limits() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return False


def containers(lab: str) -> list[dict[str, Any]]:
    """Give podman's account of every container of a lab."""
    text = podman("ps", "-a", "--format", "json", "--filter", f"label={LABEL}={lab}")
    found: list[dict[str, Any]] = json.loads(text or "[]") or []
    return found


def subnets_in_use() -> list[IPv4Network]:
    """Give the networks that podman or this machine's routes have already."""
    form = "{{range .Subnets}}{{.Subnet}} {{end}}"
    names = podman("network", "ls", "--quiet").split()
    texts = podman("network", "inspect", "--format", form, *names).split() if names else []
    routes = json.loads(run(["ip", "-json", "-4", "route"]).stdout or "[]")
    texts += [route["dst"] for route in routes if route["dst"] != "default"]
    return [IPv4Network(text, strict=False) for text in texts if ":" not in text]


def inspect_pid(container: str) -> int:
    """Give the process id of a running container's init.

    :raises LabError: if it is not running.
    """
    pid = int(podman("inspect", "--format", "{{.State.Pid}}", container))
    if pid == 0:
        raise LabError("the host is switched off", where=container, do="'ictops lab fault H on'")
    return pid


OWN_IDENTITY = """
for file in /etc/hostname /etc/hosts; do
  text=$(cat $file) && umount $file && echo "$text" > $file && chmod 0644 $file
done
cat /proc/sys/kernel/random/uuid > /run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
"""


def own_identity(container: str) -> None:
    """Give a host that was just started its own /etc/hostname, /etc/hosts and boot id.

    podman mounts the first two from outside, and a mounted file cannot be replaced by a
    rename: what sets a name on a real host would fail here. The boot id is the kernel's, and
    would say of a host that was restarted that it was not.

    :raises LabError: if it cannot be done.
    """
    pid = str(inspect_pid(container))
    done = run(["nsenter", "-t", pid, "-m", "-p", "sh", "-ec", OWN_IDENTITY])
    if done.returncode != 0:
        raise LabError(f"no identity of its own: {done.stderr.strip()}", where=container)


INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 4096


def allow_many_hosts() -> None:
    """Raise the kernel's limit of inotify instances, until the next boot.

    Every systemd takes about ten, all hosts of the lab share one user, and the kernel's
    usual 128 let the dozenth host hang in its boot.
    """
    if int(INOTIFY.read_text()) < INOTIFY_WANTED:
        INOTIFY.write_text(f"{INOTIFY_WANTED}\n")
