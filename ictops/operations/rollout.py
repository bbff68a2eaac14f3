"""Plan a software rollout: packages at exact versions, on Linux hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.operations.planning import Draft, Request, Work, make_plan
from ictops.settings import Settings

PLAYBOOK = "rollout.yml"
# Debian Policy 5.6.1 and 5.6.12: what a package's name and version may be.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")


@dataclass(frozen=True, slots=True)
class Software:
    """A package and the version that it shall have."""

    name: str
    version: str


def parse_software(words: Iterable[str]) -> list[Software]:
    """Read ``NAME=VERSION`` words.

    :raises PlanError: where a name or version is none that Debian allows, or a name is there
        twice.
    """
    found: dict[str, Software] = {}
    for word in words:
        name, equals, version = word.partition("=")
        if not equals or not version:
            raise PlanError("write software as NAME=VERSION", where=word, do="Such as hello=2.10-3")
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
        if name in found:
            raise PlanError(f"{name} is named twice", where=word, do="Choose one version")
        found[name] = Software(name, version)
    return list(found.values())


def plan_rollout(
    settings: Settings, software: Iterable[Software], request: Request, *, reboot: bool = False
) -> Draft:
    """Plan the rollout of ``software``; ``reboot`` allows a reboot where one is required.

    :raises PlanError: where no host is left to change, or what is asked cannot be.
    """
    packages = list(software)
    extra_vars: dict[str, Any] = {
        "software_packages": [{"name": one.name, "version": one.version} for one in packages]
    }
    if reboot:
        extra_vars["software_reboot"] = True
    work = Work(
        operation="rollout",
        title=", ".join(f"{one.name} {one.version}" for one in packages),
        playbook=PLAYBOOK,
        extra_vars=extra_vars,
        takes=_is_linux_machine,
        only_for="Linux workstations and servers",
    )
    return make_plan(settings, request, work)


def _is_linux_machine(host: Host) -> bool:
    return host.system == "linux" and host.kind in {"workstation", "server"}
