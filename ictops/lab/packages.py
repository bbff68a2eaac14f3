"""The lab's package repository: real packages, one of which fails its health check."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.podman import run


@dataclass(frozen=True, slots=True)
class LabPackage:
    """A package of the lab; ``healthy`` is what its ``--check`` says."""

    name: str
    version: str
    healthy: bool = True


PACKAGES = (
    LabPackage("school-browser", "1.0"),
    LabPackage("school-browser", "2.0"),
    LabPackage("school-browser", "2.1", healthy=False),
    LabPackage("school-fonts", "1.0"),
    LabPackage("school-fonts", "1.1"),
)

PREINSTALLED = "school-browser_1.0_all.deb"

PROGRAM = """\
#!/bin/sh
# A stand-in for a program of the school's, for the ictops lab.
case "$1" in
--version) echo "{name} {version}" ;;
--check) {check} ;;
*) echo "{name} {version}: --version or --check" ;;
esac
"""

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: ictops lab <lab@example.invalid>
Description: {name} of the ictops lab
"""


def build_repository(folder: Path) -> None:
    """Build every package and the index into ``folder``, if they are not there yet."""
    index = folder / "Packages"
    if index.is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        _build(package, folder)
    done = run(["dpkg-scanpackages", "--multiversion", str(folder)])
    if done.returncode != 0:
        raise LabError(f"dpkg-scanpackages failed: {done.stderr.strip()}")
    text = done.stdout.replace(f"Filename: {folder}/", "Filename: ./")
    fresh = index.with_suffix(".part")
    fresh.write_text(text)
    fresh.rename(index)


def _build(package: LabPackage, folder: Path) -> None:
    tree = folder / "build" / f"{package.name}-{package.version}"
    program = tree / "usr/bin" / package.name
    program.parent.mkdir(parents=True, exist_ok=True)
    check = (
        f'echo "{package.name} {package.version} is healthy"'
        if package.healthy
        else f'echo "{package.name} {package.version}: cannot open its profile" >&2; exit 1'
    )
    text = PROGRAM.format(name=package.name, version=package.version, check=check)
    program.write_text(text)
    program.chmod(0o755)
    control = tree / "DEBIAN/control"
    control.parent.mkdir(exist_ok=True)
    control.write_text(CONTROL.format(name=package.name, version=package.version))
    for part in (tree, *tree.rglob("*")):
        if part.is_dir():
            part.chmod(0o755)
    target = folder / f"{package.name}_{package.version}_all.deb"
    try:
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(target)],
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise LabError(f"dpkg-deb failed: {error.stderr.strip()}", where=str(target)) from error
