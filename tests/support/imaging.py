"""A boot server's service for tests: signed jobs, a clock that is set, and its two sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ictops.imaging.service.desk import Desk
from ictops.imaging.service.drop import SPARE, Drops
from ictops.imaging.service.grub import GrubFiles
from ictops.imaging.service.kept import Folder
from ictops.imaging.service.roots import Roots
from ictops.imaging.service.sessions import Alone
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Claim, Disk, Hardware
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.state import Arm

MAC = "52:54:00:00:00:01"
OTHER_MAC = "52:54:00:00:00:02"
UUID = "11111111-2222-3333-4444-555555555555"
OTHER_UUID = "99999999-2222-3333-4444-555555555555"
HARDWARE = Hardware(
    "QEMU", "Standard PC", "", "uefi", True, 1 << 30,
    (Disk("/dev/vda", "A1", "virtual", 8 << 30, "virtio", False, False),), (MAC,),
)  # fmt: skip
TEMPLATE = "echo job of @MAC@ and no other\n"
TREE = Path("/srv/ictops-boot/current")
PROJECT = Path(__file__).parents[2]


@dataclass
class BootServer:
    """Folders and a key of a boot server, and a clock."""

    root: Path
    now: datetime = field(default_factory=lambda: datetime(2026, 8, 3, 9, tzinfo=UTC))
    free: int = 2 * SPARE
    """Bytes that its disk has left."""

    def __post_init__(self) -> None:
        for name in ("run", "state", "grub"):
            (self.root / name).mkdir(exist_ok=True)
        (self.root / "template").write_text(TEMPLATE)
        if not self.key.exists():
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
            subprocess.run(words, check=True)
        self.allowed.write_text("ictops " + self.key.with_suffix(".pub").read_text())

    @property
    def key(self) -> Path:
        """The control box's key."""
        return self.root / "key"

    @property
    def allowed(self) -> Path:
        """Its public half, for the service."""
        return self.root / "allowed_signers"

    @property
    def booting(self) -> list[str]:
        """Give the PCs that GRUB would boot into the agent: those that get a GRUB."""
        booting = sorted(path.name for path in (self.root / "grub").iterdir())
        roots = sorted((self.root / "roots").iterdir())
        assert all(path.readlink() == TREE for path in roots)
        assert [path.name.replace("-", ":") + ".cfg" for path in roots] == booting
        return booting

    def job(self, mac: str = MAC, pc: str | None = None, **more: Any) -> Job:
        """Give a new job of an hour, from now."""
        begin, end = self.now, self.now + timedelta(hours=1)
        values: dict[str, Any] = {
            "ictops_job": 1, "id": str(uuid.uuid4()), "kind": "look", "host": "lab001-ws-01",
            "site": "lab001", "mac": mac, "uuid": pc, "not_before": begin.isoformat(),
            "not_after": end.isoformat(), **more,
        }  # fmt: skip
        return Job(**values)

    def signed(self, job: Job, **more: Any) -> Arm:
        """Give what arms a job."""
        text = strict.dumps(job)
        return Arm(text.decode(), sign(text, "ictops-job", self.key), **more)

    @property
    def drops(self) -> Drops:
        """What PCs that are captured have sent; with much room for more."""
        return Drops(self.root / "state" / "captured", lambda _: self.free)

    def desk(self) -> Desk:
        """Give the rules, as a service that has just been started has them."""
        waiting = [GrubFiles(self.root / "grub", TEMPLATE), Roots(self.root / "roots", TREE)]
        folder = Folder(self.root / "state" / "jobs")
        return Desk(folder, waiting, self.allowed, Alone(), self.drops, lambda: self.now)

    @contextmanager
    def running(
        self, *options: str, inside: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run the service as a process of its own; its clock is the machine's.

        :param inside: what starts it elsewhere, such as in a network namespace.
        """
        root = self.root
        words = [
            *inside,
            sys.executable,
            "-m",
            "ictops.imaging.service",
            "--state",
            str(root / "state"),
        ]
        words += ["--run", str(root / "run"), "--grub-jobs", str(root / "grub")]
        words += ["--grub-template", str(root / "template")]
        words += ["--tftp-roots", str(root / "roots"), "--tftp-tree", str(TREE)]
        words += ["--allowed-signers", str(self.allowed), *options]
        (root / "run" / "admin.sock").unlink(missing_ok=True)
        with (root / "log").open("ab") as log:
            process = subprocess.Popen(words, cwd=PROJECT, stderr=log, env=dict(os.environ))
        try:
            self._until_it_answers(process)
            yield process
        finally:
            process.kill()
            process.wait()

    def _until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                self.say("admin", "/look", {"id": UUID})
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.root / "log").read_text())

    def say(
        self, where: str, path: str, body: Any, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """POST to a socket, and give status and answer."""
        peer = Peer(str(self.root / "run" / f"{where}.sock"))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            peer.request("POST", path, data, headers)
            answer = peer.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            peer.close()


class Peer(http.client.HTTPConnection):
    """HTTP to a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


def claim(mac: str = MAC, pc: str = UUID) -> Claim:
    """Give what a PC says first."""
    return Claim(mac, pc, HARDWARE)
