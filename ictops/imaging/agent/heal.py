"""What a PC remembers of being healed: the jobs that it was given, which it did, and who it is.

All of it lies in the cache's folder. A job there is signed like any other; that it is done once is
kept here, and where somebody puts an old note back, the job's window still ends.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent.area import Area
from ictops.imaging.agent.bootpart import set_environment
from ictops.imaging.agent.cache import write_whole
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.linux import inside, put
from ictops.imaging.wire import strict
from ictops.imaging.wire.local import ENDED_KEPT, KeptJob, Report
from ictops.imaging.wire.words import GUID

JOBS = ("once", "standing")
"""In the order in which they are done."""
_KEY = re.compile(r"ssh_host_\w+_key(\.pub)?")


@dataclass(frozen=True)
class Memory:
    """The cache's folder, as far as it is about jobs."""

    folder: Path

    # --- Jobs.

    def job(self, name: str) -> KeptJob | None:
        """Give the job that waits under a name; None if there is none that can be read."""
        try:
            return strict.loads(KeptJob, (self.folder / "jobs" / f"{name}.json").read_bytes())
        except (OSError, strict.NotAsAgreed):
            return None

    def forget(self, name: str) -> None:
        (self.folder / "jobs" / f"{name}.json").unlink(missing_ok=True)

    def forget_all(self, disk: Disk, area: Area) -> None:
        """Forget what was ordered of the image that was here before."""
        set_environment(disk, area, ictops_next="0", ictops_always="0", ictops_writing="0")
        for name in JOBS:
            self.forget(name)
        (self.folder / "begun").unlink(missing_ok=True)

    def begun(self) -> str:
        """Give the job in whose middle the power went; or nothing."""
        try:
            said = (self.folder / "begun").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return said if GUID.fullmatch(said) else ""

    def ended(self) -> list[str]:
        """Give the jobs that have ended, the last one last."""
        try:
            read = json.loads((self.folder / "ended.json").read_bytes())
        except (OSError, ValueError):
            return []
        return [one for one in read if isinstance(one, str)] if isinstance(read, list) else []

    def report(self, report: Report, *, standing: bool) -> None:
        """Keep what became of a job, until the control box takes it."""
        if not standing:
            done = [*(one for one in self.ended() if one != report.job), report.job]
            write_whole(self.folder / "ended.json", json.dumps(done[-ENDED_KEPT:]).encode())
        write_whole(self.folder / "reports" / f"{report.job}.json", strict.dumps(report), 0o600)

    # --- Writing.

    def begin(self, disk: Disk, area: Area, job: str) -> None:
        """From now on only the agent can be booted, until the job is done.

        :raises JobFailed: if that cannot be kept; nothing was written then.
        """
        try:
            write_whole(self.folder / "begun", job.encode("ascii"))
            set_environment(disk, area, ictops_writing="1", ictops_tries="")
        except OSError as error:
            raise JobFailed("disk-failing", f"the cache cannot be written: {error}") from error

    def finish(self, disk: Disk, area: Area) -> None:
        """The disk holds a whole system again."""
        set_environment(disk, area, ictops_writing="0", ictops_tries="")
        (self.folder / "begun").unlink(missing_ok=True)

    # --- Who the PC is.

    def keep_identity(self, root: Path, host: str) -> None:
        """Keep the SSH host keys of the system that is mounted at ``root``."""
        write_whole(self.folder / "identity/host", host.encode(), 0o600)
        for one in _keys(inside(root, "/etc/ssh/x").parent):
            write_whole(self.folder / "identity" / one.name, one.read_bytes(), 0o600)

    def give_identity(self, root: Path, host: str) -> tuple[str, ...]:
        """Give a system the SSH host keys that it had.

        :returns: their public halves; none if none are kept for this host.
        """
        kept = self.folder / "identity"
        try:
            if (kept / "host").read_text() != host:
                return ()
            files = {one.name: one.read_text("ascii") for one in _keys(kept)}
        except (OSError, UnicodeDecodeError):
            return ()
        public = {name for name in files if name.endswith(".pub")}
        if not public or public != {f"{one}.pub" for one in set(files) - public}:
            return ()
        for one in _keys(inside(root, "/etc/ssh/x").parent):
            one.unlink()
        for name, text in files.items():
            put(root, f"/etc/ssh/{name}", text, 0o644 if name in public else 0o600)
        return tuple(" ".join(files[one].split()[:2]) for one in sorted(public, key=_by_strength))


def _keys(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if _KEY.fullmatch(one.name))
    except FileNotFoundError:
        return []


def _by_strength(name: str) -> tuple[bool, str]:
    return "ed25519" not in name, name
