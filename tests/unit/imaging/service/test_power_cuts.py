"""The boot server stops between any two changes of its disk, and goes on after that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ictops.imaging.service.desk import Desk
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Answer, End, Progress
from ictops.imaging.wire.state import Arm, Look
from tests.support.imaging import MAC, BootServer, claim

CHANGES = ("replace", "rename", "unlink")
"""Each of them is done or not done after a power cut."""


class PowerCut(BaseException):
    """Not an Exception: nothing may take it for a fault and go on."""


def after(changes: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let the power go after so many changes; give how many there were."""
    done = 0

    def struck(real: Callable[..., object]) -> Callable[..., object]:
        def change(self: Path, *arguments: object, **more: object) -> object:
            nonlocal done
            if done == changes:
                raise PowerCut
            done += 1
            return real(self, *arguments, **more)

        return change

    for name in CHANGES:
        monkeypatch.setattr(Path, name, struck(getattr(Path, name)))
    return lambda: done


def whole_job(desk: Desk, asked: Arm) -> None:
    """What control box and PC say, in order."""
    desk.arm(asked)
    token = desk.claim(claim()).token
    desk.progress(token, Progress("fetching"))
    desk.secret(token, Answer())
    desk.end(token, End("done"))


def test_at_any_change(tmp_path: Path) -> None:
    cuts = 0
    while True:
        (tmp_path / str(cuts)).mkdir()
        server = BootServer(tmp_path / str(cuts))
        job = server.job()
        asked = server.signed(job, secret="x")
        desk = server.desk()
        with pytest.MonkeyPatch.context() as monkeypatch:
            changes = after(cuts, monkeypatch)
            try:
                whole_job(desk, asked)
            except PowerCut:
                pass
            else:
                assert changes() == cuts > 10
                return
        goes_on(server, job, asked)
        cuts += 1


def goes_on(server: BootServer, job: Job, asked: Arm) -> None:
    desk = server.desk()
    known = any((server.root / "state" / "jobs").iterdir())
    stage = desk.look(Look(job.id)).state if known else None
    waiting = stage in {"armed", "claimed"}
    assert server.booting == ([f"{MAC}.cfg"] if waiting else [])
    if stage == "ended":
        assert list(server.root.rglob("secret")) == []
        with pytest.raises(Refused):
            desk.claim(claim())
        return
    desk.arm(asked)
    desk.end(desk.claim(claim()).token, End("done"))
    assert server.booting == []
    assert list(server.root.rglob("secret")) == []
    left = [path.name for path in server.root.rglob(".*")]
    assert left == [], "what was half written is gone"
