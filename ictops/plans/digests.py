"""What a plan was made against, and whether that has changed since.

The digest of a playbook covers the file, every playbook, task and vars file that it imports
by name, its health playbook, and the ``group_vars`` and ``host_vars`` beside it, which Ansible
loads unasked. The digest of the roles covers every file of every role that is used, with the
roles those depend on. A name that holds a template can only be known at run time: it counts
as text.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from ictops.errors import PlanError
from ictops.plans.model import Plan

_IMPORTS = {
    "import_playbook": "",
    "import_tasks": "tasks",
    "include_tasks": "tasks",
    "include_vars": "vars",
    "vars_files": "vars",
}
"""Keywords that name files, and the folder in which Ansible also looks for them."""
ROLE_VARIABLE = "ictops_role"
"""The extra var by which ictops' own ``role.yml`` is told which role to apply."""
_ROLE_TASKS = ("import_role", "include_role")
_SYSTEM_ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
_SYSTEM_COLLECTIONS = ("~/.ansible/collections", "/usr/share/ansible/collections")


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


@dataclass(slots=True)
class _Found:
    files: dict[Path, None] = field(default_factory=dict)
    roles: dict[str, Path | None] = field(default_factory=dict)


def playbook_path(playbook: str, content_dir: Path) -> Path:
    """Give the file of a plan's playbook: ictops' own for a bare name, else the path itself."""
    if "/" not in playbook:
        return content_dir / "playbooks" / playbook
    return Path(playbook)


def digests_of(
    playbooks: Iterable[Path], content_dir: Path, extra_vars: Mapping[str, Any]
) -> Digests:
    """Give the digests of ``playbooks`` taken together, and of all that they use.

    :param extra_vars: those of the plan; they name the role where :data:`ROLE_VARIABLE` is set.
    :raises PlanError: where one cannot be read or is not YAML.
    """
    found = _Found()
    for playbook in playbooks:
        _read_file(playbook.resolve(), playbook.resolve().parent, content_dir, found)
        for beside in ("group_vars", "host_vars"):
            found.files.update(dict.fromkeys(_files_in(playbook.resolve().parent / beside)))
    if isinstance(role := extra_vars.get(ROLE_VARIABLE), str):
        _read_role(role, content_dir, content_dir, found)
    roles = hashlib.sha256()
    for name, folder in sorted(found.roles.items()):
        roles.update(f"role {name}\n".encode())
        if folder:
            _update(roles, _files_in(folder), folder)
    playbook_sum = hashlib.sha256()
    root = next(iter(found.files)).parent
    _update(playbook_sum, sorted(found.files), root)
    missing = tuple(name for name, folder in sorted(found.roles.items()) if folder is None)
    return Digests(playbook_sum.hexdigest(), roles.hexdigest(), missing)


def plan_playbooks(plan: Plan, content_dir: Path) -> list[Path]:
    """Give the files that the plan runs: its playbook, and its health playbook if it has one."""
    names = [plan.playbook, *([plan.gate.health] if plan.gate.health else [])]
    return [playbook_path(name, content_dir) for name in names]


def changed_since(plan: Plan, cluster: HasSites, content_dir: Path) -> list[str]:
    """Say in words what has changed since the plan was made; nothing where all is the same.

    :raises PlanError: where the playbook can no longer be read.
    """
    now = digests_of(plan_playbooks(plan, content_dir), content_dir, plan.extra_vars)
    said = []
    if now.playbook != plan.playbook_digest:
        said.append(f"the playbook {plan.playbook} or a file that it imports has changed")
    if now.roles != plan.roles_digest:
        said.append(f"a role that {plan.playbook} uses has changed")
    for code, site in plan.sites.items():
        known = cluster.sites.get(code)
        if known is None:
            said.append(f"site {code} is no longer in the inventory")
        elif known.digest != site.inventory_digest:
            said.append(f"the inventory of site {code} has changed")
    return said


class _AnyTagLoader(yaml.CSafeLoader):
    """Reads a playbook for the names in it; what ``!vault`` and the like hold is not needed."""


def _any_tag(loader: yaml.CSafeLoader, _suffix: str, node: yaml.Node) -> str | None:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_AnyTagLoader.add_multi_constructor("!", _any_tag)


def load_any_tag(path: Path) -> Any:
    """Read a playbook or task file as data, whatever tags are in it.

    :raises PlanError: with the line, where it cannot be read or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _AnyTagLoader)  # noqa: S506 - safe
    except OSError as error:
        raise PlanError(
            f"the playbook cannot be read: {error.strerror or error}", where=str(path)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise PlanError(f"not valid YAML: {problem}", where=f"{path}{line}") from error


def _read_file(path: Path, base: Path, content_dir: Path, found: _Found) -> None:
    if path in found.files:
        return
    found.files[path] = None
    for key, value in _pairs(load_any_tag(path)):
        word = key.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
        if word in _IMPORTS:
            for name in _names(value, "file"):
                near = (path.parent / name, path.parent / _IMPORTS[word] / name, base / name)
                for file in dict.fromkeys(one.resolve() for one in near):
                    if file.is_file():
                        _read_file(file, base, content_dir, found)
                        break
        elif word in _ROLE_TASKS or word == "roles":
            for name in _names(value, "name", "role"):
                _read_role(name, base, content_dir, found)


def _read_role(name: str, base: Path, content_dir: Path, found: _Found) -> None:
    if name in found.roles:
        return
    folder = _role_folder(name, base, content_dir)
    found.roles[name] = folder
    if folder is None:
        return
    for file in _files_in(folder):
        if file.suffix not in {".yml", ".yaml"} or file.parent.name not in {
            "tasks", "handlers", "meta",
        }:  # fmt: skip
            continue
        for key, value in _pairs(load_any_tag(file)):
            word = key.removeprefix("ansible.builtin.")
            wanted = word in _ROLE_TASKS or (word == "dependencies" and file.stem == "main")
            for used in _names(value, "name", "role") if wanted else ():
                _read_role(used, base, content_dir, found)


def _role_folder(name: str, base: Path, content_dir: Path) -> Path | None:
    places = [base / "roles" / name, content_dir / "roles" / name, base / name]
    places += [Path(place).expanduser() / name for place in _SYSTEM_ROLES]
    if name.count(".") >= 2:  # noqa: PLR2004 - namespace.collection.role
        space, collection, role = name.split(".", 2)
        roots = [base / "collections", content_dir / "collections"]
        roots += [Path(place).expanduser() for place in _SYSTEM_COLLECTIONS]
        roots += [Path(place) for place in sys.path if place]
        tail = Path("ansible_collections", space, collection, "roles", role)
        places = [root / tail for root in roots]
    return next((place.resolve() for place in places if (place / "tasks").is_dir()), None)


def _pairs(data: Any) -> Iterator[tuple[str, Any]]:
    """Give every key and value in ``data``, however deep."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key), value
            yield from _pairs(value)
    elif isinstance(data, list):
        for item in data:
            yield from _pairs(item)


def _names(value: Any, *keys: str) -> Iterator[str]:
    """Give the names in ``x``, ``{name: x}`` or a list of either, templates left out."""
    for item in value if isinstance(value, list) else [value]:
        name = next((item[key] for key in keys if key in item), None) if isinstance(
            item, dict
        ) else item  # fmt: skip
        if isinstance(name, str) and name and "{{" not in name:
            yield name


def _files_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


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
