"""Logging in to a virtual PC that was imaged, as Ansible would: with its pinned host keys alone."""

from __future__ import annotations

import subprocess
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.imaging.wire.job import Adapt, ImageRef, Job
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import within
from tests.support.first_stages import BootServer

HOST = "oak-ws-01"


@dataclass(frozen=True)
class Login:
    """Who may log in to what was imaged, and as whom the PC is known."""

    room: Room
    server: BootServer
    folder: Path

    @property
    def key(self) -> Path:
        """The private key; whoever makes a login makes it."""
        return self.folder / "id"

    def on(self, host_keys: tuple[str, ...], *words: str) -> str | None:
        """Run a command on the PC by ssh that takes its pinned keys alone; None if it cannot."""
        leases = (self.server.folder / "leases").read_text().splitlines()
        known = self.folder / "known_hosts"
        for address in [line.split()[2] for line in leases]:
            known.write_text("".join(f"{address} {key}\n" for key in host_keys))
            options = (
                f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null", "BatchMode=yes",
                "StrictHostKeyChecking=yes", "ConnectTimeout=5", "ServerAliveInterval=5",
            )  # fmt: skip
            said = [word for option in options for word in ("-o", option)]
            login = within(
                self.room, "ssh", "-i", str(self.key), *said, f"ictops@{address}", *words
            )
            done = subprocess.run(login, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout
        return None


def job_for(pc: Pc, image: ImageRef, key: Path) -> Job:
    """Give the job of an hour that makes a PC the host."""
    public = key.with_suffix(".pub").read_text().strip()
    now = datetime.now(UTC)
    return Job(
        1, str(uuid.uuid4()), "image", HOST, "oak", pc.mac, pc.uuid, now.isoformat(),
        (now + timedelta(hours=1)).isoformat(), image, adapt=Adapt(HOST, {"ictops": (public,)}),
    )  # fmt: skip
