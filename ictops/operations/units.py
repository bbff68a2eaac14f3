"""The text of the systemd units that wake ``ictops tick``, with no more rights than it needs.

What each line does is in systemd.exec(5), systemd.service(5) and systemd.timer(5).
"""

from __future__ import annotations

import pwd
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
{after}
[Service]
# Not "oneshot": a tick stays while its runs are at work, and a started service is not
# started a second time by the timer.
Type=exec
{identity}ExecStart={python} -m ictops tick
WorkingDirectory={workspace}
{environment}UMask=0077
# A stop lets ictops end its jobs by itself and give its runs back; what is left after this
# time is ended.
KillMode=mixed
TimeoutStopSec=30

# It talks to hosts over the network, and writes where its journal and jobs are. A playbook
# that changes this machine needs more: add it with 'systemctl edit ictops-tick.service'.
{rights}"""

NETWORK = """\
After=network-online.target
Wants=network-online.target
"""

ANYBODY_S = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
"""
"""What a user's own systemd can hold a service to as well."""

THE_SYSTEM_S = """\
CapabilityBoundingSet=
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome={home}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
ReadWritePaths={writable}
RestrictNamespaces=yes
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ``ProtectHome=`` means by a home."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the service is for: a workspace, where it writes, and whose it is."""

    workspace: Path
    config: Path | None
    writable: tuple[Path, ...]
    """Folders that it must be able to write in; the first holds its state."""
    user: str | None = None
    """Who it runs as; None: the user whose systemd it is."""
    system: bool = True
    """Whether the whole machine's systemd runs it, not a user's own."""


def service(place: Place) -> str:
    """Give the text of the service."""
    rights = ANYBODY_S
    if place.system:
        homeless = not any(_in_a_home(path) for path in _needed(place))
        rights += THE_SYSTEM_S.format(
            home="yes" if homeless else "read-only",
            # "-": one that went away is told by ictops, not by systemd.
            writable=" ".join(quoted(f"-{path}") for path in place.writable),
        )
    config = quoted(f"ICTOPS_CONFIG={place.config}") if place.config else ""
    return SERVICE.format(
        after=NETWORK if place.system else "",
        identity=f"User={place.user}\n" if place.user else "",
        python=quoted(sys.executable),
        workspace=_plain(str(place.workspace)),
        environment=f"Environment={config}\n" if config else "",
        rights=rights,
    )


def quoted(text: str) -> str:
    """Give one word of a unit's line, whatever it holds (systemd.syntax(7))."""
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    return text.replace("%", "%%")  # systemd's specifiers begin with it


def _needed(place: Place) -> Iterable[Path]:
    """Give what the service reads: its programs, its workspace, and its user's ssh keys."""
    home = pwd.getpwnam(place.user).pw_dir if place.user else Path.home()
    return (place.workspace, *place.writable, Path(sys.prefix), Path(sys.base_prefix), Path(home))


def _in_a_home(path: Path) -> bool:
    return any(path.resolve().is_relative_to(home) for home in HOMES)
