"""A boot server with small real images, and a PC whose disk is a sparse file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ictops.imaging.agent.boot import Entries, NoEntries
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.fetch import Patience
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import Options, work_once
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Job
from tests.support import images
from tests.support.boot_server import Files, Sessions, boot_server
from tests.support.images import MIB, Image, Signing, Store
from tests.support.room import Image as RoomImage
from tests.support.room import make_image
from tests.unit.imaging.agent.streams import Stands

MAC = "02:1c:00:00:00:01"
UUID = "4c4c4544-0000-4000-8000-000000000001"
QUICK = Patience(answer=1.0, gone=5.0, waits=(0.01, 0.05, 0.1))


@dataclass
class School:
    """One boot server, one PC."""

    folder: Path
    signing: Signing
    store: Store
    files: Files
    sessions: Sessions
    patience: Patience = QUICK
    screen: list[str] = field(default_factory=list)

    def blank(self, name: str = "disk.img", size: int = 96 * MIB) -> Path:
        """Make an empty disk."""
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def job(self, image: Image | None, **given: Any) -> Job:
        now = datetime.now(UTC)
        words: dict[str, Any] = {
            "ictops_job": 1, "id": str(uuid.uuid4()), "kind": "image", "host": "pc-01",
            "site": "oak", "mac": MAC, "uuid": UUID,
            "not_before": (now - timedelta(hours=1)).isoformat(),
            "not_after": (now + timedelta(hours=1)).isoformat(),
            "image": image.ref if image else None,
        }  # fmt: skip
        return Job(**{**words, **given})

    def machine(
        self,
        disk: Path,
        open_disk: Callable[[Path], Disk] = Disk,
        entries: Entries | None = None,
    ) -> Machine:
        has = said.Disk(str(disk), "S1", "file", disk.stat().st_size, "", False, False)
        hardware = said.Hardware("ictops", "test", "1", "uefi", True, 2**30, (has,), (MAC,))
        return Machine(
            MAC, UUID, hardware, entries or NoEntries(), open_disk, lambda: 64 * MIB,
            lambda _: None, self.screen.append,
        )  # fmt: skip

    @property
    def options(self) -> Options:
        return Options(
            self.sessions.url, self.files.url, self.sessions.ca, self.signing.allowed,
            claim=2.0, end=5.0, patience=self.patience, every=0.1,
        )  # fmt: skip

    def run(self, job: Job, disk: Path, **given: Any) -> said.End:
        """Arm a job and let the agent do it, in this process."""
        return self.run_on(job, self.machine(disk, **given))

    def run_on(self, job: Job, machine: Machine) -> said.End:
        self.sessions.arm(job, self.signing.key)
        self.files.sent = 0
        end, _ = work_once(self.options, machine)
        return end


@dataclass(frozen=True)
class Versions:
    """An image, and one that was updated in place."""

    store: Store
    signing: Signing
    first: Image
    fixed: Image
    """The same with a system that does not grow, so that each byte of it stays as it was."""
    second: Image
    rebuilt: Image
    """The first's files and some more, in a file system made anew."""


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    folder = tmp_path_factory.mktemp("images")
    signing = Signing.make(folder / "signing")
    store = Store(folder / "root", signing)
    tree = images.tree(folder / "tree")
    esp = images.esp_file(folder / "esp.img")
    root = images.root_file(folder / "root1.img", tree, 48 * MIB)
    first = store.add("golden", "1", images.partitions(esp, root))
    fixed = store.add("fixed", "1", images.partitions(esp, root, grow=False))
    more = images.changed_root(
        folder / "root2.img", root, "more.so", images.random.Random(3).randbytes(700_000)
    )
    second = store.add("golden", "2", images.partitions(esp, more, grow=False))
    (tree / "usr/lib/aaa.so").write_bytes(images.random.Random(5).randbytes(300_000))
    (tree / "usr/lib/lib010.so").unlink()
    anew = images.root_file(folder / "root3.img", tree, 48 * MIB)
    rebuilt = store.add("golden", "3", images.partitions(esp, anew, grow=False))
    return Versions(store, signing, first, fixed, second, rebuilt)


@pytest.fixture
def school(versions: Versions, tmp_path: Path) -> Iterator[School]:
    with boot_server(versions.store.root, tmp_path / "tls") as (files, sessions):
        yield School(tmp_path, versions.signing, versions.store, files, sessions)


@pytest.fixture
def image(tmp_path: Path) -> RoomImage:
    """Two packs of four pieces."""
    return make_image(tmp_path / "packs", packs=2, pieces=4, piece=1000)


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stands:
    program = tmp_path / "bin" / "udp-receiver"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def stand(received: bytes, silent: float = 0) -> None:
        (tmp_path / "received").write_bytes(received)
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/received\nexec sleep {silent}\n")
        program.chmod(0o755)

    return stand
