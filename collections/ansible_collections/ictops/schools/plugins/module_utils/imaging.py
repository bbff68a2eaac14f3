# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talking to the imaging service of a boot server, and telling how far a PC is."""

from __future__ import annotations

import http.client
import json
import socket
from datetime import datetime, timezone

OVER = ("ended", "expired", "cancelled")
"""Stages of a job that are for good."""
DONE = "done"
MEGA = 1_000_000


class ServiceError(Exception):
    """The service is not there, or refuses what was asked; says why.

    :ivar status: HTTP's; 0 where nobody answered.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Service:
    """The administrator's side of the imaging service."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, what: str, message: dict, seconds: float = 30) -> dict:
        """Say something and give the answer.

        :raises ServiceError: if it is refused, or nobody answers.
        """
        connection = _Connection(self._path, seconds)
        try:
            connection.request("POST", f"/{what}", json.dumps(message))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(
                0,
                f"the imaging service does not answer at {self._path}: {error}; "
                "'systemctl status ictops-imaging' on the boot server says more",
            ) from error
        finally:
            connection.close()
        try:
            said = json.loads(body)
        except ValueError as error:
            raise ServiceError(
                answer.status, f"the imaging service said: {body[:200]!r}"
            ) from error
        if answer.status != http.client.OK:
            raise ServiceError(answer.status, str(said.get("fault", said)))
        return said


def progress_of(state: dict) -> dict:
    """Give how far a job is, for people and for bars.

    ``percent`` is of the step in hand, ``rate`` bytes a second, ``remaining`` seconds; each is
    None where nobody knows it.
    """
    said = state.get("progress")
    if state["state"] == "armed" or said is None:
        told = {"step": "booting", "percent": None, "rate": None, "remaining": None}
        return {**told, "text": "it has not asked for its job yet"}
    done, total, rate = said["done"], said["total"], said["rate"]
    percent = min(100, int(100 * done / total)) if total > 0 else None
    remaining = int((total - done) / rate) if rate > 0 and total > done else None
    words = [
        f"{percent} %" if percent is not None else "",
        f"{rate / MEGA:.1f} MB/s" if rate > 0 else "",
        f"{span(remaining)} left" if remaining is not None else "",
        said["note"],
    ]
    told = ", ".join(word for word in words if word)
    return {
        "step": said["step"],
        "percent": percent,
        "rate": rate if rate > 0 else None,
        "remaining": remaining,
        "text": f"{said['step']}: {told}" if told else said["step"],
    }


def end_words(end: dict) -> str:
    """Say for a person what became of a job that a PC has ended."""
    if end["outcome"] == DONE:
        return "; ".join(["it is done", *end["notes"]])
    return f"{end['fault'] or 'agent'}: {end['message']}"


def span(seconds: int) -> str:
    """Give a length of time as a person reads it."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def now() -> datetime:
    """Give the time."""
    return datetime.now(timezone.utc)  # noqa: UP017 - for hosts with an older Python


def silent_seconds(state: dict, since: str, at: datetime) -> float:
    """Give for how long nothing was heard of a job, counted from ``since`` at the earliest."""
    heard = [datetime.fromisoformat(text) for text in (state["at"], since) if text]
    return (at - max(heard)).total_seconds()
