"""What a boot server has kept of a disk that the real agent captured; no server is needed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ictops.imaging.agent.capture import capture
from ictops.imaging.agent.fetch import Source
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.work import Work
from ictops.imaging.service.drop import Drop
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Capture, Job


class _Kept:
    """Takes what an agent says as a boot server does."""

    def __init__(self, drop: Drop) -> None:
        self._drop = drop

    def tell(self, path: str, message: Any, patience: float = 0.0) -> None:  # noqa: ARG002
        if path == "captured":
            self._drop.finish(message)
        else:
            self._drop.add(path.removeprefix("piece/"), message)

    def ask(self, path: str, message: Any, answer: type[Any], patience: float = 0.0) -> Any:  # noqa: ARG002
        assert path == "have"
        return answer(self._drop.lacking(message.pieces))


def captured(disk: Path, folder: Path) -> Path:
    """Capture a disk into a folder."""
    now = datetime.now(UTC)
    job = Job(
        1, str(uuid.uuid4()), "capture", "pc-01", "oak", "02:1c:00:00:00:01", None,
        now.isoformat(), (now + timedelta(hours=1)).isoformat(), capture=Capture(2**40),
    )  # fmt: skip
    has = said.Disk(str(disk), "S1", "file", disk.stat().st_size, "", False, False)
    hardware = said.Hardware("ictops", "test", "1", "uefi", True, 2**30, (has,))
    machine = Machine(job.mac, "", hardware)
    kept = _Kept(Drop(folder, 2**40))
    end = capture(Work(job, machine, kept, Source("http://127.0.0.1:9"), Path("none"), Tally()))
    assert end.outcome == "done"
    return folder
