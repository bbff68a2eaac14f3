# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a PC keeps on its own disk to heal itself: the cache's folder, and GRUB's environment.

The formats are those of ictops/imaging/wire/local.py and ictops/imaging/agent/bootpart.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

ENTRY = "ictops heal"
"""The firmware's entry, as the imaging agent makes it."""
ENVIRONMENT = "grub/ictops.env"
_HEAD = b"# GRUB Environment Block\n"
_BLOCK = 1024


@contextmanager
def mounted(device: Path, kind: str):
    """Mount a partition while the block runs.

    :raises OSError: if it cannot be mounted, with what was said.
    """
    with tempfile.TemporaryDirectory(prefix="ictops-") as folder:
        _run("mount", "-t", kind, "-o", "nosuid,nodev,noexec", str(device), folder)
        try:
            yield Path(folder)
        finally:
            _run("umount", folder)


def put_job(cache: Path, job: str, signature: str, standing: bool) -> bool:
    """Put a job into the cache's folder, and say whether it was not there."""
    path = cache / "jobs" / ("standing.json" if standing else "once.json")
    text = json.dumps({"job": job, "signature": signature})
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return True


def remove_standing(cache: Path) -> bool:
    """Take the job of each boot back, and say whether there was one."""
    path = cache / "jobs" / "standing.json"
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def report_of(cache: Path, job: str):
    """Give what the PC reported of a job; None if it has not ended.

    :raises ValueError: if it cannot be read.
    """
    path = cache / "reports" / f"{job}.json"
    return json.loads(path.read_text()) if path.exists() else None


def last_report(cache: Path):
    """Give what the PC reported of the job that it ended last; None if it has done none.

    :raises ValueError: if it cannot be read.
    """
    paths = list((cache / "reports").glob("*.json"))
    if not paths:
        return None
    return json.loads(max(paths, key=lambda one: one.stat().st_mtime_ns).read_text())


def set_environment(boot: Path, **values: str) -> bool:
    """Change GRUB's environment block in its place, and say whether anything changed.

    :raises OSError: if there is none.
    """
    path = boot / ENVIRONMENT
    old = path.read_bytes()
    if len(old) != _BLOCK or not old.startswith(_HEAD):
        raise OSError("GRUB's environment block is damaged")
    lines = [one for one in old.decode("ascii").splitlines() if one[:1] != "#" and "=" in one]
    now = {**dict(one.split("=", 1) for one in lines), **values}
    text = _HEAD + "".join(f"{name}={now[name]}\n" for name in sorted(now)).encode("ascii")
    new = text + b"#" * (_BLOCK - len(text))
    if new == old:
        return False
    # In its place: GRUB finds it by where it lies.
    with path.open("r+b") as file:
        file.write(new)
        file.flush()
        os.fsync(file.fileno())
    return True


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]} failed: {done.stderr.strip()}")
