"""What this machine allows a lab, found out and not assumed."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ictops.errors import LabError

PACKAGES = {
    "podman": "podman",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "ip": "iproute2",
    "tc": "iproute2",
    "dpkg-deb": "dpkg",
    "unshare": "util-linux",
}
"""The tools that a lab needs, and the Debian package of each."""

LOCK = Path("/run/ictops-lab.lock")

HOST_MB = 80
"""Memory of a host: 60 MB as it starts, and some to work with."""

PC_MB = 1200
"""Memory of a virtual PC: its own 1024 MB, and what emulates it."""

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 4096

_CAP_SYS_RESOURCE = 24


def require() -> None:
    """Check that this machine can hold a lab.

    :raises LabError: saying what is missing and how to get it.
    """
    require_root()
    needed = dict(PACKAGES) if _pure_cgroup2() else PACKAGES | {"runc": "runc"}
    missing = [tool for tool in needed if shutil.which(tool) is None]
    if missing:
        packages = " ".join(sorted({needed[tool] for tool in missing}))
        raise LabError(
            f"this machine has no {', '.join(missing)}", do=f"apt-get install {packages}"
        )


def require_root() -> None:
    """Check that this process may make networks and systemd hosts.

    :raises LabError: saying how to call it.
    """
    if os.geteuid() != 0:
        raise LabError("the lab's hosts and networks need root", do=with_sudo(sys.argv))


def with_sudo(argv: list[str]) -> str:
    """Give the command line that runs this command as root.

    sudo looks for commands in places of its own and drops our variables, so both are named.
    """
    command = [str(Path(shutil.which(argv[0]) or argv[0]).absolute()), *argv[1:]]
    if command[0].endswith(".py"):  # python -m ictops
        command = [sys.executable, "-m", "ictops", *argv[1:]]
    own = sorted(name for name in os.environ if name.startswith("ICTOPS_"))
    keep = [f"--preserve-env={','.join(own)}"] if own else []
    return shlex.join(["sudo", *keep, *command])


def host_flags(
    cgroups: Path = Path("/sys/fs/cgroup"), status: Path = Path("/proc/self/status")
) -> list[str]:
    """Give what ``podman run`` needs for a systemd host on this machine.

    crun, podman's own choice, cannot start systemd where the kernel still offers the
    first kind of cgroups; and a machine that may not raise limits, such as one that is a
    container itself, needs lower ones than podman's.
    """
    flags = ["--systemd=always"]
    if not _pure_cgroup2(cgroups):
        flags = ["--runtime", "runc", *flags]
    if not _may_raise_limits(status):
        flags += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
    return flags


def check_memory(hosts: int, pcs: int = 0, *, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Check that so many hosts find room, and virtual PCs beside them that are all on.

    :raises LabError: saying how much there is.
    """
    free = next(
        int(line.split()[1]) // 1024
        for line in meminfo.read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    needed = hosts * HOST_MB + pcs * PC_MB
    if needed > free:
        what = f"{hosts} hosts and {pcs} virtual PCs" if pcs else f"{hosts} hosts"
        raise LabError(
            f"{what} need about {needed} MB of memory, {free} MB are free",
            do="Take fewer schools or workstations",
        )


def allow_many_hosts(say: Callable[[str], None]) -> None:
    """Raise the kernel's limit of inotify instances, until the next boot.

    Every systemd takes about ten, all hosts of the lab share one user, and the kernel's
    usual 128 let the dozenth host hang in its boot.

    :raises LabError: if it may not be raised.
    """
    if int(INOTIFY.read_text()) >= INOTIFY_WANTED:
        return
    say(f"raising fs.inotify.max_user_instances to {INOTIFY_WANTED} until the next boot")
    try:
        INOTIFY.write_text(f"{INOTIFY_WANTED}\n")
    except OSError as error:
        raise LabError(
            f"the kernel's limit of inotify instances is too low: {error.strerror}",
            where=str(INOTIFY),
            do=f"Where it may be set: sysctl -w fs.inotify.max_user_instances={INOTIFY_WANTED}",
        ) from error


@contextmanager
def one_at_a_time(say: Callable[[str], None]) -> Iterator[None]:
    """Let one lab of this machine be brought up or taken away at a time.

    Two would look for free networks at once, or build the one image that both need. The
    kernel frees the lock when this process ends, however it ends.
    """
    handle = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another lab of this machine that is being brought up or taken away")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def person(workspace: Path) -> tuple[int, int] | None:
    """Under sudo, give the user and group of the person who called it.

    None without sudo, and in a workspace that is not the person's: there all stays root's.
    """
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() != 0 or user is None or group is None:
        return None
    return (int(user), int(group)) if workspace.stat().st_uid == int(user) else None


def hand_over(paths: Iterable[Path], workspace: Path) -> None:
    """Under sudo, give files and folders to the person who called it.

    Only the hosts need root: plans and runs are the person's own, and use the lab's key.
    """
    owner = person(workspace)
    if owner is not None:
        for path in paths:
            os.chown(path, *owner, follow_symlinks=False)


def _pure_cgroup2(cgroups: Path = Path("/sys/fs/cgroup")) -> bool:
    return (cgroups / "cgroup.controllers").is_file()


def _may_raise_limits(status: Path) -> bool:
    for line in status.read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return False
