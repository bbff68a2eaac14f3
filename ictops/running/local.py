"""The local executor: each shard is a job process on this machine."""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ictops.errors import RunError
from ictops.running.messages import Ended, Event, Order, Report
from ictops.running.sweep import TOKEN_VARIABLE, sweep

SPOOL = "events.jsonl"
"""In a job's folder: every report that it made, as it made it."""

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)


def parse_report(line: str) -> Report:
    """Read one line of a job.

    :raises ValidationError: if it is not a report.
    """
    return _REPORT.validate_json(line)


class LocalExecutor:
    """Runs shards on this machine; what they report comes out of ``reports``.

    :param folder: where jobs have their private folders.
    :param environment: what a job is told beside its order, and beside what we are told.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._told = dict(environment or {})
        self.reports: queue.Queue[Report] = queue.Queue()
        self._orders: dict[int, Order] = {}

    def folder_of(self, token: str) -> Path:
        """Give the private folder of a shard's job."""
        return self.folder / token

    def start(self, order: Order) -> None:
        """Start a shard; it is written in the journal already.

        :raises RunError: if its process cannot be started.
        """
        # First: whatever interrupts us from here on, a cancel finds its processes.
        self._orders[order.shard] = order
        try:
            process = self._spawn(order)
        except OSError as error:
            raise RunError(f"no job could be started: {error}", where=order.site) from error
        threading.Thread(target=self._listen, args=(order, process), daemon=True).start()

    def _spawn(self, order: Order) -> subprocess.Popen[str]:
        folder = self.folder_of(order.token)
        folder.mkdir(parents=True, mode=0o700)
        with (folder / "log").open("wb") as log:
            os.fchmod(log.fileno(), 0o600)
            process = subprocess.Popen(
                [sys.executable, "-m", "ictops.running.job", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=self._environment(order),
                start_new_session=True,  # Ctrl-C is for us; the job is told by us
            )
        assert process.stdin is not None  # noqa: S101 - asked for above, mypy cannot know
        with suppress(BrokenPipeError):  # it ended at once, and will be heard as ended
            process.stdin.write(order.model_dump_json())
            process.stdin.close()
        return process

    def _environment(self, order: Order) -> dict[str, str]:
        # The journal is not a job's affair, and its URL may hold a password.
        inherited = {k: v for k, v in os.environ.items() if k != "ICTOPS_JOURNAL"}
        return inherited | self._told | {TOKEN_VARIABLE: order.token}

    def cancel(self) -> None:
        """End every process of every shard; each then reports that it was cancelled."""
        sweep([order.token for order in list(self._orders.values())])

    def forget(self, token: str) -> None:
        """Delete what a shard's job left on the disk; its reports are in the journal."""
        shutil.rmtree(self.folder_of(token), ignore_errors=True)

    def _listen(self, order: Order, process: subprocess.Popen[str]) -> None:
        ended: Ended | None = None
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            for line in process.stdout:
                report = parse_report(line)
                if isinstance(report, Ended):
                    ended = report
                else:
                    self.reports.put(report)
        except (ValidationError, ValueError) as error:
            ended = self._broken(order, f"its job said something that is no report: {error}")
        left = sweep([order.token])
        rc = process.wait()
        if ended is None:
            ended = self._broken(order, self._last_words(order.token) or f"its job ended ({rc})")
        if left:
            note = f"{left} of its processes could not be ended"
            ended = ended.model_copy(update={"reason": f"{ended.reason}; {note}".strip("; ")})
        self._orders.pop(order.shard, None)
        self.reports.put(ended)

    def _broken(self, order: Order, reason: str) -> Ended:
        return Ended(shard=order.shard, fence=order.fence, status="error", reason=reason[:2000])

    def _last_words(self, token: str) -> str:
        log = self.folder_of(token) / "log"
        lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
        return lines[-1] if lines else ""


def spooled(folder: Path) -> list[Event]:
    """Give the events that a job wrote down before it, or its reader, was cut off.

    A last line that was cut in the middle is left out.
    """
    spool = folder / SPOOL
    if not spool.is_file():
        return []
    events: list[Event] = []
    for line in spool.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            report = parse_report(line)
        except ValidationError:
            break  # cut off here: nothing after it can be trusted
        if isinstance(report, Event):
            events.append(report)
    return events


def job_folder(state_dir: Path, journal: str = "") -> Path:
    """Give where the jobs of a journal's runs keep their private files.

    In memory where there is some, else on the disk: ansible-runner writes extra vars and
    its environment in clear there (mode 0600), and memory is gone when the power goes.
    Every workspace and every journal has a folder of its own in it: what one journal knows
    nothing of may be at work for another.

    :param journal: as the settings name it, if it is not the one in ``state_dir``.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a private folder in it, mode 0700
    # A job's ssh is a script there, which some machines would not run from memory (noexec).
    usable = os.access(memory, os.W_OK) and not os.statvfs(memory).f_flag & os.ST_NOEXEC
    base = memory if usable else state_dir
    base_folder = base / f"ictops-{os.getuid()}"
    own = hashlib.sha256(f"{state_dir}{journal}".encode()).hexdigest()[:12]
    for folder in (base_folder, base_folder / own):
        _private(folder)
    return base_folder / own


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise RunError(
            "the folder for jobs belongs to somebody else or is open to others",
            where=str(folder),
            do="Look who made it, then delete it",
        )
