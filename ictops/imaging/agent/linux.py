"""Make a Linux system, mounted at a folder, the host that a job says it is."""

from __future__ import annotations

import os
import re
import secrets
import stat
import subprocess
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import Adapt

_KEY_TYPES = ("ed25519", "ecdsa")
_LOOPBACK = "127.0.1.1"
"""Debian's address for the host's own name (Debian Reference, 5.1.1)."""
_LINKS = 40
"""Symbolic links in one path, as Linux has it (path_resolution(7))."""
_ROOTS = (".", "@rootfs", "@")
"""Where a system is in its file system; two are Btrfs subvolumes of Debian and Ubuntu."""


def root_of(folder: Path) -> Path | None:
    """Give where in a file system a Linux system is; None if it has none."""
    return next((folder / one for one in _ROOTS if (folder / one / "etc/passwd").is_file()), None)


def adapt(root: Path, wanted: Adapt, secret: str) -> tuple[str, ...]:
    """Make the system this host.

    :param secret: what is put in the place of ``wanted.secret``.
    :returns: the public halves of its new SSH host keys, without comments.
    :raises JobFailed: ``job-refused`` if it has no such account, or a path leads nowhere.
    """
    put(root, "/etc/hostname", f"{wanted.host_name.partition('.')[0]}\n", 0o644)
    put(root, "/etc/hosts", _hosts(root, wanted.host_name), 0o644)
    # A machine must not have another one's identity, or its random numbers: made at the next boot.
    put(root, "/etc/machine-id", "", 0o444)
    for path in ("/var/lib/dbus/machine-id", "/var/lib/systemd/random-seed"):
        inside(root, path).unlink(missing_ok=True)
    for account, keys in wanted.authorized_keys.items():
        _authorize(root, account, keys)
    for file in wanted.files:
        text = file.text.replace(wanted.secret, secret) if wanted.secret else file.text
        put(root, file.path, text, file.mode)
    return _host_keys(root, wanted.host_name)


def inside(root: Path, path: str, *, follow: bool = False) -> Path:
    """Give where a path of the system is, its links followed as the system itself will.

    No link leads out of ``root``.

    :param follow: whether the last part is followed, too.

    :raises JobFailed: ``job-refused`` if the path is none.
    """
    left = [one for one in path.split("/")[::-1] if one not in {"", "."}]
    if not path.startswith("/") or not left or ".." in left or "\0" in path:
        raise JobFailed("job-refused", f"{path!r} is no path of a file")
    at, links = root, 0
    while left:
        part = left.pop()
        if part == "..":
            at = at if at == root else at.parent
            continue
        if (left or follow) and (at / part).is_symlink():
            links += 1
            if links > _LINKS:
                raise JobFailed("job-refused", f"{path!r} goes round in circles")
            to = str((at / part).readlink())
            at = root if to.startswith("/") else at
            left += [one for one in to.split("/")[::-1] if one not in {"", "."}]
            continue
        at /= part
    return at


def put(root: Path, path: str, text: str, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Write a file of the system; folders that are missing are made.

    :raises JobFailed: ``job-refused`` if a file is where a folder is needed, or the other way.
    """
    at = inside(root, path)
    _folders(root, path)
    if at.is_dir() and not at.is_symlink():
        raise JobFailed("job-refused", f"{path!r} is a folder")
    new = at.with_name(f".ictops-{secrets.token_hex(4)}")
    # Nobody else may read it, not even for a moment: it may hold a secret.
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), stat.S_IMODE(mode))
    new.replace(at)


def _folders(root: Path, path: str) -> None:
    """Make the folders above a file, from the top."""
    parts = [one for one in path.split("/") if one not in {"", "."}]
    for count in range(1, len(parts)):
        # Behind its last part, so that a link to a folder is followed.
        folder = inside(root, "/" + "/".join([*parts[:count], "x"])).parent
        if folder.exists() and not folder.is_dir():
            raise JobFailed("job-refused", f"{path!r}: a file is where a folder is needed")
        folder.mkdir(mode=0o755, exist_ok=True)


def _hosts(root: Path, name: str) -> str:
    try:
        lines = inside(root, "/etc/hosts", follow=True).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines = [one for one in lines if one.split()[:1] != [_LOOPBACK]]
    short = name.partition(".")[0]
    names = name if name == short else f"{name} {short}"
    at = next((n for n, one in enumerate(lines, 1) if one.startswith("127.")), 0)
    return "\n".join([*lines[:at], f"{_LOOPBACK} {names}", *lines[at:]]) + "\n"


def _authorize(root: Path, account: str, keys: tuple[str, ...]) -> None:
    """Let these keys, and no others, log in to an account."""
    for line in inside(root, "/etc/passwd", follow=True).read_text(errors="replace").splitlines():
        fields = line.split(":")
        if fields[0] == account and len(fields) > 5:  # noqa: PLR2004 - passwd(5)
            owner, home = (int(fields[2]), int(fields[3])), fields[5].rstrip("/")
            break
    else:
        raise JobFailed(
            "job-refused",
            f"the image has no account {account!r}",
            do="Name another one, or build an image that has it",
        )
    for path, mode in ((f"{home}/x", 0o755), (f"{home}/.ssh/x", 0o700)):
        folder = inside(root, path).parent
        if not folder.is_dir():
            _folders(root, f"{path}")
            os.chown(folder, *owner)
            folder.chmod(mode)
    ssh = inside(root, f"{home}/.ssh/x").parent
    os.chown(ssh, *owner)
    ssh.chmod(0o700)
    text = "".join(f"{one.strip()}\n" for one in keys)
    put(root, f"{home}/.ssh/authorized_keys", text, 0o600, owner)


def _host_keys(root: Path, name: str) -> tuple[str, ...]:
    folder = inside(root, "/etc/ssh/x").parent
    _folders(root, "/etc/ssh/x")
    for old in folder.glob("ssh_host_*"):
        if re.fullmatch(r"ssh_host_\w+_key(\.pub|-cert\.pub)?", old.name):
            old.unlink()
    public = []
    for kind in _KEY_TYPES:
        path = folder / f"ssh_host_{kind}_key"
        command = ["ssh-keygen", "-q", "-N", "", "-C", f"root@{name}", "-t", kind, "-f", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise JobFailed("agent", f"no host key: {done.stderr.decode(errors='replace').strip()}")
        # Without its comment, which says nothing that is signed.
        public.append(" ".join(path.with_suffix(".pub").read_text().split()[:2]))
    return tuple(public)
