"""What a plan was made against, and whether that has changed since.

The digest of a playbook covers every file that :mod:`ictops.plans.sources` finds of it and of
its health playbook; the digest of the roles every file of every role that is used, with the
roles those depend on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ictops.errors import PlanError
from ictops.plans.model import Plan
from ictops.plans.search import SearchPath
from ictops.plans.sources import files_in, playbook_path, sources_of


class HasDigest(Protocol):
    """A site as far as this module needs to know it."""

    @property
    def digest(self) -> str: ...


class HasSites(Protocol):
    """A cluster as far as this module needs to know it."""

    @property
    def sites(self) -> Mapping[str, HasDigest]: ...


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 (hex) of what a playbook is made of."""

    playbook: str
    roles: str
    missing_roles: tuple[str, ...] = ()
    """Roles that the playbook names and that were found nowhere."""


def digests_of(
    playbooks: Iterable[Path], search: SearchPath, extra_vars: Mapping[str, Any]
) -> Digests:
    """Give the digests of ``playbooks`` taken together, and of all that they use.

    :raises PlanError: where one cannot be read or is not YAML.
    """
    found = sources_of(playbooks, search, extra_vars)
    playbook = hashlib.sha256()
    _update(playbook, sorted(found.files), found.root)
    roles = hashlib.sha256()
    for name, folder in sorted(found.roles.items()):
        roles.update(f"role {name}\n".encode())
        if folder:
            _update(roles, files_in(folder), folder)
    missing = tuple(name for name, folder in sorted(found.roles.items()) if folder is None)
    return Digests(playbook.hexdigest(), roles.hexdigest(), missing)


def plan_playbooks(plan: Plan, content: Path) -> list[Path]:
    """Give the files that the plan runs: its playbook, and its health playbook if it has one."""
    names = [plan.playbook, *([plan.gate.health] if plan.gate.health else [])]
    return [playbook_path(name, content) for name in names]


def changed_since(plan: Plan, cluster: HasSites, search: SearchPath) -> list[str]:
    """Say in words what has changed since the plan was made; nothing where all is the same.

    :raises PlanError: where the playbook can no longer be read.
    """
    now = digests_of(plan_playbooks(plan, search.content), search, plan.extra_vars)
    said = []
    if now.playbook != plan.playbook_digest:
        said.append(f"the playbook {plan.playbook}, or a file that it uses, has changed")
    if now.roles != plan.roles_digest:
        said.append(f"a role that {plan.playbook} uses has changed")
    for code, site in plan.sites.items():
        known = cluster.sites.get(code)
        if known is None:
            said.append(f"site {code} is no longer in the inventory")
        elif known.digest != site.inventory_digest:
            said.append(f"the inventory of site {code} has changed")
    return said


def _update(digest: hashlib._Hash, files: Iterable[Path], root: Path) -> None:
    for path in files:
        name = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PlanError(
                f"a file that the plan uses cannot be read: {error.strerror}", where=str(path)
            ) from error
        digest.update(f"{name} {content}\n".encode())
