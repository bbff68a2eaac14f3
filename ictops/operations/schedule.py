"""The systemd units that wake ``ictops tick``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ictops.errors import IctopsError
from ictops.settings import Settings, find_config

TIMER = """\
[Unit]
Description=Wakes ictops every minute

[Timer]
OnCalendar=minutely
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

SERVICE = """\
[Unit]
Description=ictops carries on what its windows allow
After=network-online.target
Wants=network-online.target

[Service]
# Not "oneshot": a tick stays while its runs are at work, and a started service is not
# started a second time by the timer.
Type=exec
ExecStart={python} -m ictops tick
WorkingDirectory={workspace}
{environment}UMask=0077
# A stop lets ictops end its jobs by itself; what it cannot end is ended after this.
TimeoutStopSec=30
"""


def write_units(settings: Settings, folder: Path | None = None) -> list[Path]:
    """Write the timer and its service, and give the files.

    :raises IctopsError: if they cannot be written there.
    """
    target = folder or _unit_folder()
    config = find_config()
    environment = f'Environment="ICTOPS_CONFIG={_escape(str(config))}"\n' if config else ""
    service = SERVICE.format(
        python=_escape(sys.executable),
        workspace=_escape(str(settings.workspace.resolve())),
        environment=environment,
    )
    written = []
    for name, text in (("ictops-tick.service", service), ("ictops-tick.timer", TIMER)):
        path = target / name
        try:
            target.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(path.suffix + ".part")
            fresh.write_text(text)
            fresh.rename(path)
        except OSError as error:
            raise IctopsError(f"cannot write it: {error.strerror}", where=str(path)) from error
        written.append(path)
    return written


def enable_timer() -> None:
    """Have systemd read the units and start the timer.

    :raises IctopsError: with systemd's own words if it does not.
    """
    scope = [] if os.getuid() == 0 else ["--user"]
    commands = (["daemon-reload"], ["enable", "--now", "ictops-tick.timer"])
    for command in commands:
        try:
            subprocess.run(
                ["systemctl", *scope, *command], check=True, capture_output=True, text=True
            )
        except FileNotFoundError:
            raise IctopsError(
                "this machine has no systemd",
                do="Run 'ictops tick' every minute by what it has instead",
            ) from None
        except subprocess.CalledProcessError as error:
            raise IctopsError(f"systemctl {' '.join(command)}: {error.stderr.strip()}") from error


def _unit_folder() -> Path:
    if os.getuid() == 0:
        return Path("/etc/systemd/system")
    return Path.home() / ".config/systemd/user"


def _escape(text: str) -> str:
    return text.replace("%", "%%")  # systemd's specifiers begin with it
