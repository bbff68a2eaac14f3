# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg and apt know of packages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

LISTS = (Path("/var/lib/apt/periodic/update-success-stamp"), Path("/var/lib/apt/lists"))
"""Whichever is younger says when the package lists were fetched, as for Ansible's apt."""

ARCHIVES = Path("/var/cache/apt/archives")


@dataclass(frozen=True)
class Installed:
    """A package as it is on the host."""

    version: str = ""
    architecture: str = ""
    held: bool = False


def refresh_lists(module, older_than: int, lock_seconds: int) -> str:
    """Fetch the package lists if they are older than so many seconds.

    Waits up to ``lock_seconds`` for another package manager. Gives what apt complained of:
    a source that does not answer is no matter as long as the wanted versions are known.
    """
    fetched = max((path.stat().st_mtime for path in LISTS if path.exists()), default=0)
    if older_than and time.time() - fetched < older_than:
        return ""
    deadline = time.monotonic() + lock_seconds
    while True:
        _, _, err = module.run_command(["apt-get", "update", "--quiet"])
        if "Could not get lock" not in err or time.monotonic() > deadline:
            return " ".join(line for line in err.splitlines() if line.startswith(("E:", "W:")))
        time.sleep(1)


def installed(module, names: list[str]) -> dict[str, Installed]:
    """Give each of these packages that is installed."""
    form = "${Package}\t${Version}\t${Architecture}\t${db:Status-Abbrev}\n"
    # It exits with 1 where one is unknown: that one is not installed, which is an answer.
    _, out, _ = module.run_command(["dpkg-query", "-W", "-f", form, "--", *names])
    return read_installed(out)


def read_installed(text: str) -> dict[str, Installed]:
    """Read what dpkg-query prints in the form of :func:`installed`."""
    found = {}
    for line in text.splitlines():
        name, version, architecture, status = line.split("\t")
        if status[1:2] == "i":  # the letters are wish, state and error: see dpkg-query(1)
            found[name] = Installed(version, architecture, status[0:1] == "h")
    return found


def available(module, names: list[str]) -> dict[str, list[str]]:
    """Give the versions that apt could install of each package, newest first."""
    _, out, _ = module.run_command(["apt-cache", "madison", "--", *names])
    return read_available(out)


def read_available(text: str) -> dict[str, list[str]]:
    """Read what 'apt-cache madison' prints; a source package cannot be installed."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, version, source = (part.strip() for part in line.split("|", 2))
        if not source.endswith(" Sources") and version not in found.setdefault(name, []):
            found[name].append(version)
    return found


def kept_file(name: str, there: Installed, folder: str) -> str:
    """Give the .deb of the version that is installed, if this host still has it."""
    escaped = there.version.replace(":", "%3a")  # as apt names its archives
    candidates = (
        Path(folder) / f"{name}_{there.version}.deb",
        ARCHIVES / f"{name}_{escaped}_{there.architecture}.deb",
    )
    return next((str(path) for path in candidates if path.is_file()), "")
