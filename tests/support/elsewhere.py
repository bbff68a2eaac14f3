"""Where second copies go: a real sshd, and a real server of restic's REST protocol, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.repositories import ACCOUNT

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or ""
USER, PASSWORD = "oak", "hunter2-hunter2"

need_sshd = pytest.mark.skipif(
    os.geteuid() != 0 or not SSHD, reason="there is no sshd, or it is not root's to start"
)
need_rclone = pytest.mark.skipif(not shutil.which("rclone"), reason="there is no rclone")


@contextmanager
def rest_server(folder: Path) -> Iterator[int]:
    """Serve restic's REST protocol to who knows the password; give the port."""
    port = free_port()
    words = ["rclone", "serve", "restic", "--config", "/dev/null", "--addr", f"127.0.0.1:{port}"]
    environment = {**os.environ, "RCLONE_USER": USER, "RCLONE_PASS": PASSWORD}
    with subprocess.Popen(
        [*words, str(folder)], stderr=subprocess.DEVNULL, env=environment
    ) as server:
        try:
            until_there(port)
            yield port
        finally:
            server.terminate()


@dataclass(frozen=True)
class Sshd:
    """An sshd that lets this account in by a key of its own.

    :ivar folder: has ``known_hosts``, and what else ssh needs.
    """

    folder: Path
    port: int
    account: str

    def command(self, port: int) -> str:
        """Give restic's option that reaches it by a port."""
        ssh = f"ssh -F {self.folder}/config -p {port} {self.account}@127.0.0.1 -s sftp"
        return f"sftp.command={ssh}"


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Start an sshd with keys of its own in a folder, and end it with its sessions."""
    port, account = free_port(), pwd.getpwuid(0).pw_name
    folder.mkdir()
    for name in ("host", "own"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    shutil.copy(folder / "own.pub", folder / "authorized_keys")
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"lab-elsewhere {host_key}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\n"
        "Subsystem sftp internal-sftp\nPermitRootLogin prohibit-password\n"
    )
    (folder / "config").write_text(
        f"Host *\n IdentityFile {folder}/own\n IdentitiesOnly yes\n BatchMode yes\n"
        " HostKeyAlias lab-elsewhere\n StrictHostKeyChecking yes\n"
        f" UserKnownHostsFile {folder}/known_hosts\n"
    )
    if ACCOUNT:
        shutil.chown(folder / "own", ACCOUNT)
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-q", "-f", str(folder / "sshd_config")]) as server:
        try:
            until_there(port)
            yield Sshd(folder, port, account)
        finally:
            server.terminate()


def free_port() -> int:
    """Give a port of loopback that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until_there(port: int) -> None:
    """Wait until somebody listens at a port of loopback."""
    for _ in range(100):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(port)
