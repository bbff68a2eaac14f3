"""A PC whose disk is a file: its agent runs in this process, beside a boot server that counts."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.imaging.shop import NotMeasured, Shop
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import Options, work_once
from ictops.imaging.published import Published
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Adapt, Job
from tests.support.boot_server import Files, Sessions, boot_server

HOST, MAC = "oak-ws-01", "02:1c:00:00:00:01"
UUID = "4c4c4544-0000-4000-8000-000000000001"
ACCOUNT = "ictops"


@dataclass(frozen=True)
class Put:
    """What became of a PC that was imaged."""

    end: said.End
    sent: int
    """Bytes that its boot server sent: pieces, and what describes the image."""


@dataclass(frozen=True)
class Server:
    """A boot server that gives out a workspace's images."""

    shop: Shop
    files: Files
    sessions: Sessions
    public: str
    """The key of who may log in."""

    def put(self, image: Published, disk: Path, seeds: tuple[Published, ...] = ()) -> Put:
        """Image the PC.

        :param seeds: what its disk may have had before.
        :raises NotMeasured: if it fails.
        """
        now, hour = datetime.now(UTC), timedelta(hours=1)
        job = Job(
            1, str(uuid.uuid4()), "image", HOST, "oak", MAC, UUID, (now - hour).isoformat(),
            (now + hour).isoformat(), image.ref, seeds=tuple(one.ref for one in seeds),
            adapt=Adapt(HOST, {ACCOUNT: (self.public,)}),
        )  # fmt: skip
        self.sessions.arm(job, self.shop.imaging.key)
        before = self.files.sent_in_all
        allowed = self.shop.imaging.key.with_name("allowed_signers")
        options = Options(self.sessions.url, self.files.url, self.sessions.ca, allowed)
        end, _ = work_once(options, _machine(disk))
        if end.outcome != "done":
            raise NotMeasured(f"the PC was not imaged: {end.message}")
        return Put(end, self.files.sent_in_all - before)


def _machine(disk: Path) -> Machine:
    has = said.Disk(str(disk), "S1", "file", disk.stat().st_size, "", False, False)
    hardware = said.Hardware("ictops", "file", "1", "uefi", True, 2**30, (has,), (MAC,))
    return Machine(MAC, UUID, hardware, show=lambda _: None)


@contextmanager
def server_of(shop: Shop, folder: Path) -> Iterator[Server]:
    """Run a boot server while the block runs.

    :param folder: for its keys; is made.
    """
    with boot_server(shop.imaging.store.folder, folder) as (files, sessions):
        key = folder / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        yield Server(shop, files, sessions, key.with_suffix(".pub").read_text().strip())


def blank(path: Path, size: int) -> Path:
    """Make an empty disk of so many bytes."""
    with path.open("xb") as file:
        file.truncate(size)
    return path
