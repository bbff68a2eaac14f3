"""Where second copies go: servers of SFTP, of S3 and of restic's REST protocol, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.repositories import ACCOUNT
from tests.support.restic import need_program

BUCKET_KEYS = {"AWS_ACCESS_KEY_ID": "school", "AWS_SECRET_ACCESS_KEY": "a-key-of-s3-that-is-none"}
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
SSH = """
import asyncio, subprocess, sys
import asyncssh

async def sftp(process):
    program = await asyncio.create_subprocess_exec(
        sys.argv[4], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    await process.redirect(stdin=program.stdin, stdout=program.stdout)
    process.exit(await program.wait())

async def serve(port, host_key, allowed, _):
    await asyncssh.listen(
        "127.0.0.1", int(port), server_host_keys=[host_key], authorized_client_keys=allowed,
        process_factory=sftp, encoding=None,
    )
    await asyncio.Event().wait()

asyncio.run(serve(*sys.argv[1:]))
"""
"""A server of ssh that has nothing but OpenSSH's SFTP behind it."""
USER, PASSWORD = "oak", "hunter2-hunter2"


@contextmanager
def rest_server(folder: Path) -> Iterator[int]:
    """Serve restic's REST protocol to who knows the password; give the port."""
    need_program("rclone")
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


@contextmanager
def s3_server() -> Iterator[int]:
    """Speak Amazon's S3 protocol; give the port."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    with subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            until_there(port)
            yield port
        finally:
            server.terminate()


@dataclass(frozen=True)
class SftpServer:
    """A server that lets in whoever has its key.

    :ivar folder: has ``known_hosts``, and what else ssh needs.
    """

    folder: Path
    port: int

    def command(self, port: int) -> str:
        """Give restic's option that reaches it by a port."""
        return f"sftp.command=ssh -F {self.folder}/config -p {port} oak@127.0.0.1 sftp"


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """Serve SFTP on loopback, with keys that are made in a folder."""
    need_program(SFTP_SERVER)
    port = free_port()
    folder.mkdir()
    for name in ("host", "own"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"lab-elsewhere {host_key}")
    (folder / "config").write_text(
        f"Host *\n IdentityFile {folder}/own\n IdentitiesOnly yes\n BatchMode yes\n"
        " HostKeyAlias lab-elsewhere\n StrictHostKeyChecking yes\n"
        f" UserKnownHostsFile {folder}/known_hosts\n"
    )
    if ACCOUNT:
        shutil.chown(folder / "own", ACCOUNT)
    given = [str(port), str(folder / "host"), str(folder / "own.pub"), SFTP_SERVER]
    with subprocess.Popen([sys.executable, "-c", SSH, *given]) as server:
        try:
            until_there(port)
            yield SftpServer(folder, port)
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
