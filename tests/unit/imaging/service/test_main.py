"""The service as a process: killed in the middle of everything, and started again."""

from __future__ import annotations

import signal
import subprocess
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from http.client import RemoteDisconnected
from pathlib import Path

from tests.support.imaging import MAC, BootServer, claim


def test_it_is_killed_and_goes_on(tmp_path: Path) -> None:
    server = BootServer(tmp_path, datetime.now(UTC))
    job = server.job()
    with server.running():
        assert server.say("admin", "/arm", asdict(server.signed(job, secret="x")))[0] == 200
        token = server.say("agent", "/v1/claim", asdict(claim()))[1]["token"]
    serial = 0
    for _ in range(3):
        with server.running() as process:
            state = server.say("admin", "/look", {"id": job.id})[1]
            assert state["state"] == "claimed"
            assert state["serial"] >= serial, "what was answered is kept"
            assert server.booting == [f"{MAC}.cfg"]
            serial = busy(server, token, process)
    with server.running() as process:
        assert server.say("agent", "/v1/secret", {}, token) == (200, {"secret": "x"})
        assert server.say("agent", "/v1/end", {"outcome": "done"}, token) == (200, {})
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert server.booting == []
    assert token not in (server.root / "log").read_text()


def busy(server: BootServer, token: str, process: subprocess.Popen[bytes]) -> int:
    """Report progress until the service is killed while it answers; give how often it did."""
    answered = server.say("admin", "/look", {"id": _only(server)})[1]["serial"]
    striking = threading.Timer(0.3, process.kill)
    striking.start()
    try:
        while server.say("agent", "/v1/progress", {"step": "fetching"}, token) == (200, {}):
            answered += 1
    except (ConnectionError, RemoteDisconnected, ValueError):
        return answered
    finally:
        striking.join()
    raise AssertionError("it refused")


def _only(server: BootServer) -> str:
    (folder,) = (server.root / "state" / "jobs").iterdir()
    return folder.name
