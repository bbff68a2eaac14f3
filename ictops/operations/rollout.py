"""Plan a software rollout: software at exact versions, on Linux hosts."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.operations.planning import Draft, Request, Work, make_plan
from ictops.settings import Settings

PLAYBOOK = "rollout.yml"
# Debian Policy 5.6.1 and 5.6.12: what a package's name and version may be.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")
# Flatpak: an ID has three parts or more; a commit is OSTree's SHA-256.
_APP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*){2,}")
_REMOTE = _BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_COMMIT = re.compile(r"[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,63}")


@dataclass(frozen=True, slots=True)
class Software:
    """A piece of software and the version that it shall have, as the role takes it."""

    name: str
    version: str
    deb: str = ""
    """The .deb file that it comes from, on this machine."""
    sha256: str = ""
    """That file's digest: another file of the same name is refused on each host."""
    flatpak: str = ""
    """The flatpak remote that it comes from."""
    branch: str = ""
    """The branch of a flatpak's commit, where it is not ``stable``."""

    @property
    def title(self) -> str:
        """The name and version for a person; a commit is shortened as flatpak does it."""
        commit = _COMMIT.fullmatch(self.version)
        return f"{self.name} {self.version[:12] if commit else self.version}"

    def as_item(self) -> dict[str, str]:
        """Give the item of the role's variable ``software_packages``."""
        fields = ("name", "version", "deb", "sha256", "flatpak", "branch")
        return {field: value for field in fields if (value := getattr(self, field))}


def parse_software(words: Iterable[str]) -> list[Software]:
    """Read what a person wants, in each of its three forms.

    ``NAME=VERSION`` is a package of the hosts' own sources, ``FILE.deb`` a package file on
    this machine, and ``REMOTE:APP=COMMIT`` a flatpak; ``REMOTE:APP=BRANCH`` is the newest of
    a branch, and ``REMOTE:APP//BRANCH=COMMIT`` a commit of another branch than ``stable``.

    :raises PlanError: where one cannot be read, or a name is there twice.
    """
    found: dict[str, Software] = {}
    for word in words:
        one = _read(word)
        if one.name in found:
            raise PlanError(f"{one.name} is named twice", where=word, do="Choose one version")
        found[one.name] = one
    return list(found.values())


def _read(word: str) -> Software:
    if word.endswith(".deb"):
        return _package_file(Path(word))
    name, equals, version = word.partition("=")
    if not equals or not version:
        raise PlanError(
            "write software as NAME=VERSION",
            where=word,
            do="Such as hello=2.10-3, ./tool_1.2_amd64.deb or flathub:org.gimp.GIMP=COMMIT",
        )
    remote, colon, app = name.partition(":")
    return _flatpak(word, remote, app, version) if colon else _package(word, name, version)


def _package(word: str, name: str, version: str) -> Software:
    if not _NAME.fullmatch(name):
        raise PlanError(
            f"{name!r} is no package name",
            where=word,
            do="Two or more of a-z, 0-9, plus, minus and full stop; first a letter or digit",
        )
    if not _VERSION.fullmatch(version):
        raise PlanError(
            f"{version!r} is no Debian version",
            where=word,
            do="It starts with a digit, such as 2.10-3 or 1:24.2.7-1; "
            "'apt-cache madison NAME' on a host lists those that there are",
        )
    return Software(name, version)


def _package_file(path: Path) -> Software:
    """Ask a package file what it holds."""
    if not path.is_file():
        raise PlanError("there is no such package file", where=str(path))
    form = "--showformat=${Package}=${Version}"
    try:
        done = subprocess.run(
            ["dpkg-deb", "--show", form, str(path.resolve())],
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise PlanError(
            "reading a package file needs dpkg-deb", where=str(path), do="apt-get install dpkg"
        ) from error
    if done.returncode != 0:
        raise PlanError(f"this is no Debian package: {done.stderr.strip()}", where=str(path))
    name, _, version = done.stdout.partition("=")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Software(name, version, deb=str(path.resolve()), sha256=digest)


def _flatpak(word: str, remote: str, app: str, version: str) -> Software:
    app, slashes, branch = app.partition("//")
    if not _REMOTE.fullmatch(remote) or not _APP.fullmatch(app):
        raise PlanError(
            f"{remote}:{app} is no flatpak remote with an application",
            where=word,
            do="Such as flathub:org.gimp.GIMP=COMMIT",
        )
    if _COMMIT.fullmatch(version):
        if slashes and not _BRANCH.fullmatch(branch):
            raise PlanError(f"{branch!r} is no branch of a flatpak", where=word)
        return Software(app, version, flatpak=remote, branch=branch)
    if _SHORT_COMMIT.fullmatch(version) or slashes or not _BRANCH.fullmatch(version):
        raise PlanError(
            f"{version!r} is neither a commit nor a branch",
            where=word,
            do="A commit has 64 digits; 'flatpak remote-info --log REMOTE APP' lists them",
        )
    return Software(app, version, flatpak=remote)


def plan_rollout(
    settings: Settings, software: Iterable[Software], request: Request, *, reboot: bool = False
) -> Draft:
    """Plan the rollout of ``software``; ``reboot`` allows a reboot where one is required.

    The hosts' other software is left as it is, even where it is not as its sets say.

    :raises PlanError: where no host is left to change, or what is asked cannot be.
    """
    wanted = list(software)
    extra_vars: dict[str, Any] = {
        "software_packages": [one.as_item() for one in wanted],
        "software_only_packages": True,
    }
    if reboot:
        extra_vars["software_reboot"] = True
    work = Work(
        operation="rollout",
        title=", ".join(one.title for one in wanted),
        playbook=PLAYBOOK,
        extra_vars=extra_vars,
        takes=_is_linux_machine,
        only_for="Linux workstations and servers",
    )
    return make_plan(settings, request, work)


def _is_linux_machine(host: Host) -> bool:
    return host.system == "linux" and host.kind in {"workstation", "server"}
