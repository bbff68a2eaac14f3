"""The lab's package repository: real packages, one of which fails its health check.

It is signed like any other. The key is made for it and thrown away: nobody, not even the
lab, can sign another index that the lab's hosts would take.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.podman import run, run_enclosed


@dataclass(frozen=True, slots=True)
class LabPackage:
    """A package of the lab; ``healthy`` is what its ``--check`` says."""

    name: str
    version: str
    healthy: bool = True

    @property
    def file(self) -> str:
        """The name of its .deb."""
        return f"{self.name}_{self.version}_all.deb"


PACKAGES = (
    LabPackage("school-browser", "1.0"),
    LabPackage("school-browser", "2.0"),
    LabPackage("school-browser", "2.1", healthy=False),
    LabPackage("school-fonts", "1.0"),
    LabPackage("school-fonts", "1.1"),
)

PREINSTALLED = PACKAGES[0].file

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

SIGNING = Path("/run/ictops-lab-signing")
"""Where gpg has its home, as a file system in memory: a short path, as its agent wants one."""

SIGN = """
home="$3"
mount -t tmpfs -o mode=0700 tmpfs "$home"
export GNUPGHOME="$home"
gpg --batch --quiet --passphrase '' --quick-generate-key 'ictops lab' ed25519 sign never
gpg --batch --quiet --digest-algo SHA512 --output "$1/InRelease" --clearsign "$1/Release"
gpg --batch --quiet --output "$2" --export
"""
"""In an enclosure: the secret key and gpg's agent are gone with it, and never on a disk."""


def build_repository(folder: Path, keyring: Path) -> None:
    """Build the packages and their signed index, if they are not there yet.

    :param keyring: where the public key goes by which apt knows the index.
    :raises LabError: with the words of the tool that failed.
    """
    if folder.is_dir() and keyring.is_file():
        return
    part = folder.with_name(f"{folder.name}.part")
    for left in (part, folder):
        shutil.rmtree(left, ignore_errors=True)
    keyring.unlink(missing_ok=True)
    part.mkdir(parents=True)
    stanzas = [_build(package, part) for package in PACKAGES]
    shutil.rmtree(part / "build")
    index = "\n".join(stanzas).encode()
    (part / "Packages").write_bytes(index)
    (part / "Release").write_text(_release(index))
    SIGNING.mkdir(exist_ok=True)
    done = run_enclosed(["sh", "-ec", SIGN, "sign", str(part), str(keyring), str(SIGNING)])
    SIGNING.rmdir()
    if done.returncode != 0:
        raise LabError(f"the package index cannot be signed: {done.stderr.strip()}")
    part.chmod(0o755)  # apt reads it as a user of its own, on every host
    for file in (keyring, *part.iterdir()):
        file.chmod(0o644)
    part.rename(folder)


def _release(index: bytes) -> str:
    """Give a Release file (Debian's wiki, DebianRepository/Format) for the one index."""
    return (
        "Origin: ictops lab\n"
        "Suite: lab\n"
        "Architectures: all\n"
        f"Date: {format_datetime(datetime.now(UTC), usegmt=True)}\n"
        "SHA256:\n"
        f" {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    )


def _build(package: LabPackage, folder: Path) -> str:
    """Build a package and give its stanza of the index."""
    tree = folder / "build" / f"{package.name}-{package.version}"
    program = tree / "usr/bin" / package.name
    program.parent.mkdir(parents=True)
    check = (
        f'echo "{package.name} {package.version} is healthy"'
        if package.healthy
        else f'echo "{package.name} {package.version}: cannot open its profile" >&2; exit 1'
    )
    text = PROGRAM.format(name=package.name, version=package.version, check=check)
    program.write_text(text)
    program.chmod(0o755)
    (tree / "DEBIAN").mkdir()
    control = CONTROL.format(name=package.name, version=package.version)
    (tree / "DEBIAN" / "control").write_text(control)
    for part in (tree, *tree.rglob("*")):
        if part.is_dir():
            part.chmod(0o755)
    target = folder / package.file
    done = run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(target)])
    if done.returncode != 0:
        raise LabError(f"dpkg-deb failed: {done.stderr.strip()}", where=str(target))
    content = target.read_bytes()
    return (
        f"{control}"
        f"Filename: ./{package.file}\n"
        f"Size: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )
