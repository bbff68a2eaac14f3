"""The image of a lab host: a small Debian with systemd, sshd and Python, made once."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.packages import PREINSTALLED
from ictops.lab.podman import podman, run

REPOSITORY = "localhost/ictops-lab"

INCLUDE = "python3,python3-apt,sudo,openssh-server,systemd-sysv,iproute2,dbus,procps"
"""Full python3: with python3-minimal Ansible's modules break."""

SSHD = """\
HostKey /etc/ssh/lab/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/lab/authorized_keys
PasswordAuthentication no
UseDNS no
"""

HOOKS = (
    'rm -f "$1"/etc/ssh/ssh_host_*',
    'chroot "$1" useradd --create-home --shell /bin/bash ictops',
    'echo "ictops ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/ictops"',
    'chmod 0440 "$1/etc/sudoers.d/ictops"',
    'printf "%s" "$LAB_SSHD" > "$1/etc/ssh/sshd_config.d/lab.conf"',
    'cp "$LAB_DEB" "$1/root/"',
    f'chroot "$1" dpkg -i /root/{PREINSTALLED}',
    f'rm "$1/root/{PREINSTALLED}"',
    'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
    'echo "deb [trusted=yes] file:/srv/lab-packages ./" > "$1/etc/apt/sources.list.d/lab.list"',
    'chroot "$1" systemctl mask getty.target apt-daily.timer apt-daily-upgrade.timer',
)
"""What makes a Debian a lab host. Its only package source is the lab's repository, a folder
of this machine that every host sees read-only: hence trusted."""


def image_name() -> str:
    """Give the image's name; another recipe is another name."""
    recipe = "\n".join((INCLUDE, SSHD, *HOOKS, _codename()))
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ensure_image(repository: Path) -> str:
    """Build the image if this machine does not have it yet, and give its name.

    An interrupted build leaves nothing that a later one takes for whole.

    :raises LabError: with the last words of what failed.
    """
    name = image_name()
    if run(["podman", "image", "exists", name]).returncode == 0:
        return name
    codename = _codename()
    with tempfile.TemporaryDirectory(prefix="ictops-lab-") as folder:
        tar = Path(folder) / "host.tar"
        words = [
            "env",
            f"LAB_SSHD={SSHD}",
            f"LAB_DEB={repository / PREINSTALLED}",
            "mmdebstrap",
            "--variant=minbase",
            f"--include={INCLUDE}",
            *[f"--customize-hook={hook}" for hook in HOOKS],
            codename,
            str(tar),
            _mirror(codename),
        ]
        done = run(words)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            raise LabError("the lab's image cannot be built: " + " / ".join(lines[-3:]))
        podman("import", str(tar), name)
    return name


def _codename() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def _mirror(codename: str) -> str:
    """Give the mirror that this machine's own apt uses for its release."""
    form = "$(CODENAME)|$(ORIGIN)|$(REPO_URI)"
    done = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    for line in done.stdout.splitlines():
        name, origin, uri = line.split("|", 2)
        if name == codename and origin in {"Debian", "Ubuntu"}:
            return uri
    raise LabError(
        f"apt on this machine knows no mirror of {codename}", do="Run 'apt-get update' first"
    )
