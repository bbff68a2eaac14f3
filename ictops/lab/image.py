"""The image of a lab host: a small Debian with systemd, sshd and Python, made once."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.packages import PREINSTALLED
from ictops.lab.podman import podman, run, run_enclosed

REPOSITORY = "localhost/ictops-lab"
LABEL = "ictops.image"
"""On the image from its first moment, also when its import was cut off before it had a name."""

BUILD = Path("/var/cache/ictops-lab")
"""Where the image is built: on a disk, and the same for every lab of this machine."""

KEYRING = "/etc/apt/keyrings/ictops-lab.gpg"
"""Where a host finds the public key of its lab's repository; every lab has its own."""
SOURCE = f"deb [signed-by={KEYRING}] file:/srv/lab-packages ./"
"""The hosts' only package source: a folder of this machine, which they see read-only."""

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
    f'echo "{SOURCE}" > "$1/etc/apt/sources.list.d/lab.list"',
    'chroot "$1" systemctl mask getty.target apt-daily.timer apt-daily-upgrade.timer',
)
"""What makes a Debian a lab host."""


def image_name() -> str:
    """Give the image's name; another recipe is another name."""
    recipe = "\n".join((INCLUDE, SSHD, *HOOKS, _codename()))
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ensure_image(repository: Path, say: Callable[[str], None]) -> str:
    """Build the image if this machine does not have it yet, and give its name.

    An interrupted build leaves nothing that a later one takes for whole.

    :raises LabError: with the last words of what failed.
    """
    name = image_name()
    if run(["podman", "image", "exists", name]).returncode == 0:
        return name
    codename = _codename()
    say(f"building the hosts' image, {codename} (once, about half a minute)")
    mirror = _mirror(codename)
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    tar = BUILD / "host.tar"
    words = [
        "env",
        f"TMPDIR={BUILD}",
        f"LAB_SSHD={SSHD}",
        f"LAB_DEB={repository / PREINSTALLED}",
        "mmdebstrap",
        "--variant=minbase",
        f"--include={INCLUDE}",
        *[f"--customize-hook={hook}" for hook in HOOKS],
        codename,
        str(tar),
        mirror,
    ]
    done = run_enclosed(words)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise LabError("the lab's image cannot be built: " + " / ".join(lines[-3:]))
    podman("import", "--change", f"LABEL {LABEL}=lab", str(tar), name)
    shutil.rmtree(BUILD)
    return name


def remove_image() -> bool:
    """Take away the image; False if there is none, or a lab's hosts need it."""
    shutil.rmtree(BUILD, ignore_errors=True)
    images = set(podman("images", "--quiet", "--filter", f"label={LABEL}").split())
    # Never by force: podman would take the hosts of other labs with it.
    done = [run(("podman", "rmi", image)).returncode for image in sorted(images)]
    return bool(done) and not any(done)


def _codename() -> str:
    """Give the name of the release; of a derivative, that of the one it is built on."""
    system = platform.freedesktop_os_release()
    names = ("DEBIAN_CODENAME", "UBUNTU_CODENAME", "VERSION_CODENAME")
    return next((system[name] for name in names if system.get(name)), "")


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
