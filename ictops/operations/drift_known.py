"""What is known of clean hosts, and given to a run of drift checks: the fast path.

A host is passed over where its fingerprint is the one that the last full check left, found clean
by the same roles, playbook and inventory. Roles declare what they manage on a host in their
``meta/managed.yml``; where one does not, or a playbook has tasks of its own, nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ictops import __version__
from ictops.errors import PlanError
from ictops.estate.reading import read_text
from ictops.operations.run_files import write_for_run
from ictops.plans.model import Plan, SitePlan
from ictops.plans.search import SearchPath
from ictops.plans.sources import Sources, load_any_tag, playbook_path, sources_of
from ictops.settings import Settings
from ictops.store.fingerprints import Fingerprints
from ictops.store.journal import Journal

DECLARATION = Path("meta/managed.yml")
_TASKS = ("tasks", "pre_tasks", "post_tasks", "handlers")


class Managed(BaseModel):
    """What a role manages on a host; texts may be templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] = []
    """Paths, with ``*``."""
    packages: bool = False
    services: list[str] | str = []
    sysctl: list[str] | str = []
    mounts: list[str] | str = []
    firewall: list[str] = []
    """Tables of nftables, such as ``inet school``."""
    ports: bool | str = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What all roles of a playbook manage together.

    :ivar missing: what declares nothing, in words; then no host can be passed over.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def declared_by(settings: Settings, playbook: str) -> Declared:
    """Give what the roles of a playbook declare.

    :raises PlanError: if the playbook, or a declaration, cannot be read.
    """
    search = SearchPath.of(settings)
    found = sources_of([playbook_path(playbook, search.content)], search, {})
    missing = [f"a play of {path.name} has tasks of its own" for path in _with_tasks(found)]
    parts: dict[str, Any] = {}
    for name, folder in sorted(found.roles.items()):
        file = folder / DECLARATION if folder else None
        if file is None or not file.is_file():
            missing.append(f"role {name} has no {DECLARATION}")
            continue
        for key, value in managed_in(file).model_dump().items():
            parts.setdefault(key, []).extend(_listed(value))
    return Declared(parts, tuple(missing))


def managed_in(file: Path) -> Managed:
    """Read what a role declares.

    :raises PlanError: with what is wrong in it.
    """
    try:
        return Managed.model_validate(yaml.safe_load(read_text(file)) or {})
    except (OSError, yaml.YAMLError) as error:
        raise PlanError(f"this declaration cannot be read: {error}", where=str(file)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        do = "docs/drift.md says what may stand there"
        raise PlanError(f"{where}: {first['msg']}", where=str(file), do=do) from error


def _listed(value: Any) -> list[Any]:
    """Give what a role says of one part as a list: what of it, or just that it is wanted."""
    if isinstance(value, bool):
        return [value] if value else []
    return value if isinstance(value, list) else [value]


def _with_tasks(found: Sources) -> list[Path]:
    with_tasks = []
    for path in found.files:
        if path.suffix not in {".yml", ".yaml"} or not path.is_file():
            continue
        plays = load_any_tag(path)
        for play in plays if isinstance(plays, list) else []:
            if isinstance(play, dict) and "hosts" in play and any(play.get(key) for key in _TASKS):
                with_tasks.append(path)
                break
    return with_tasks


def basis_of(plan: Plan, site: SitePlan) -> str:
    """Give the SHA-256 (hex) of all that hosts of a site are compared by."""
    compared = {
        "playbook": plan.playbook_digest,
        "roles": plan.roles_digest,
        "inventory": site.inventory_digest,
        # Modules are no part of a role, and come with these.
        "versions": [__version__, version("ansible-core")],
    }
    return sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


def known_hosts(journal: Journal, settings: Settings, plan: Plan, now: datetime) -> dict[str, str]:
    """Give the fingerprints of hosts of a plan that may be passed over, by host."""
    after = now - timedelta(days=settings.drift.full_every_days)
    stored = {one.host: one for one in Fingerprints(journal).since(plan.cluster, after)}
    known = {}
    for site in plan.sites.values():
        basis = basis_of(plan, site)
        for host in site.hosts:
            if host in stored and stored[host].basis == basis:
                known[host] = stored[host].digest
    return known


def write_known(settings: Settings, declared: Declared, hosts: Mapping[str, str]) -> Path:
    """Write down for a run what is known, and give the file; old ones are taken away."""
    told = {"declared": dict(declared.parts), "hosts": dict(hosts)}
    return write_for_run(settings, "drift", "known", told)
