"""Debian packages for a host of a lab, which reaches nothing but the lab.

This machine's apt fetches what the host does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from ictops.errors import LabError
from ictops.lab.model import Lab
from ictops.lab.podman import podman, run

FOLDER = "debian"
"""In the lab's packages, which each host sees."""
SOURCE = f"deb [trusted=yes] file:/srv/lab-packages/{FOLDER} ./"
"""Trusted, as this machine's own apt has verified each of them."""
LIST = "/etc/apt/sources.list.d/debian.list"
INSTALLED = "/var/lib/dpkg/status"


def offer_debian(
    lab: Lab, container: str, packages: Iterable[str], say: Callable[[str], None]
) -> None:
    """Give a running host a package source with these packages, and all that they need.

    :raises LabError: with apt's own words.
    """
    if run(("podman", "exec", container, "test", "-e", LIST)).returncode == 0:
        return
    say(f"fetching Debian packages: {', '.join(packages)}")
    folder = lab.packages / FOLDER
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", prefix="ictops-lab-") as status:
        status.write(podman("exec", container, "cat", INSTALLED) + "\n")
        status.flush()
        _do(
            "apt-get", "install", "--yes", "--download-only", "--no-install-recommends",
            "--option=APT::Sandbox::User=root", "--option=Debug::NoLocking=true",
            f"--option=Dir::State::status={status.name}",
            f"--option=Dir::Cache::archives={folder}", *packages,
        )  # fmt: skip
    (folder / "Packages").write_text(
        "\n".join(_stanza(deb) for deb in sorted(folder.glob("*.deb")))
    )
    for path in (folder, *folder.glob("*.deb"), folder / "Packages"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # apt reads it as a user of its own
    part = f"{LIST}.part"
    script = (
        f'echo "{SOURCE}" > {part}; apt-get update -qq -o Dir::Etc::sourcelist={part}'
        f" -o APT::Get::List-Cleanup=0; mv {part} {LIST}"
    )
    podman("exec", container, "sh", "-ec", script)


def _stanza(deb: Path) -> str:
    """Give a package's part of an index (Debian's wiki, DebianRepository/Format)."""
    content = deb.read_bytes()
    return (
        f"{_do('dpkg-deb', '--field', str(deb)).strip()}\n"
        f"Filename: ./{deb.name}\nSize: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def _do(*words: str) -> str:
    done = run(words)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise LabError(f"{words[0]} failed: {lines[-1]}", do="Run 'apt-get update' first")
    return done.stdout
