"""What a playbook is made of: the files and roles that it names, and what lies beside it.

Names are followed as far as they stand in the text. Behind a template a name can only be
known when the playbook runs; what lies in one of the folders in :data:`BESIDE` counts all the
same, whoever names it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import PlanError
from ictops.estate.reading import load, read_text
from ictops.plans.search import SearchPath

BESIDE = (
    "files", "group_vars", "handlers", "host_vars", "library", "module_utils", "tasks",
    "templates", "vars", "*_plugins",
)  # fmt: skip
"""Folders beside a playbook in which Ansible looks by itself."""
ROLE_VARIABLE = "ictops_role"
"""The extra var by which ictops' own ``role.yml`` is told which role to apply."""
THEN_VARIABLE = "ictops_then"
"""The extra var by which ictops' own ``image.yml`` is told which playbook comes after it."""

_IMPORTS = {
    "import_playbook": "",
    "import_tasks": "tasks",
    "include_tasks": "tasks",
    "include_vars": "vars",
    "vars_files": "vars",
}
"""Keywords that name files, and the folder in which Ansible also looks for them."""
_ROLE_KEYS = ("import_role", "include_role", "roles")
_ROLE_TEXTS = ("tasks", "handlers", "meta")
_CARRIERS = ("assemble", "copy", "script", "template", "unarchive", "win_copy", "win_template")
"""Modules that bring a file of this machine to the hosts."""
_QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"")
_LONGEST_NAME = 255


@dataclass(slots=True)
class Sources:
    """The files and roles of one or more playbooks."""

    root: Path
    """The folder of the first playbook."""
    files: dict[Path, None] = field(default_factory=dict)
    """Playbooks, and all that they name or that lies beside them, but for roles."""
    roles: dict[str, Path | None] = field(default_factory=dict)
    """The folder of each role by its name as it is used; None where it was found nowhere."""

    def every_file(self) -> Iterator[Path]:
        """Give all files, those of the roles too."""
        yield from self.files
        for folder in self.roles.values():
            yield from files_in(folder) if folder else ()


def playbook_path(playbook: str, content: Path) -> Path:
    """Give the file of a plan's playbook: ictops' own for a bare name, else the path itself."""
    if "/" not in playbook:
        return content / "playbooks" / playbook
    return Path(playbook)


def sources_of(
    playbooks: Iterable[Path], search: SearchPath, extra_vars: Mapping[str, Any]
) -> Sources:
    """Give all that ``playbooks`` are made of.

    :param extra_vars: those of the plan; they name a role where :data:`ROLE_VARIABLE` is set, and
        a playbook where :data:`THEN_VARIABLE` is.
    :raises PlanError: where one cannot be read or is not YAML.
    """
    paths = [playbook.resolve() for playbook in playbooks]
    walk = _Walk(Sources(paths[0].parent), search)
    for path in paths:
        walk.playbook(path)
    if isinstance(role := extra_vars.get(ROLE_VARIABLE), str):
        walk.role(role, paths[0].parent, ())
    if isinstance(then := extra_vars.get(THEN_VARIABLE), str):
        walk.playbook(playbook_path(then, search.content).resolve())
    return walk.found


def load_any_tag(path: Path) -> Any:
    """Read a playbook or task file as data, whatever tags are in it.

    :raises PlanError: with the line, where it cannot be read or is not YAML.
    """
    try:
        return load(read_text(path), _AnyTagLoader)
    except OSError as error:
        raise PlanError(
            f"the playbook cannot be read: {error.strerror or error}", where=str(path)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise PlanError(f"not valid YAML: {problem}", where=f"{path}{line}") from error


def files_in(folder: Path) -> list[Path]:
    """Give every file below a folder, sorted, but for what Python makes by itself."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


class _AnyTagLoader(yaml.CSafeLoader):
    """Reads a playbook for the names in it; what ``!vault`` and the like hold is not needed."""


def _any_tag(loader: yaml.CSafeLoader, _suffix: str, node: yaml.Node) -> str | None:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_AnyTagLoader.add_multi_constructor("!", _any_tag)


class _Walk:
    """Follows names from file to file."""

    def __init__(self, found: Sources, search: SearchPath) -> None:
        self.found = found
        self._search = search
        self._base = found.root
        self._followed: set[Path] = set()

    def playbook(self, path: Path) -> None:
        """Take in a playbook, all that it names, and what lies beside it."""
        before, self._base = self._base, path.parent
        for name in BESIDE:
            for folder in self._base.glob(name):
                self._take(folder)
        self._follow(path, ())
        self._base = before

    def role(self, name: str, beside: Path, collections: Sequence[str]) -> None:
        """Take in a role and those that it uses.

        :param beside: the folder of the role that uses it, which is looked in too.
        :param collections: in which a short name is looked for first.
        """
        if name in self.found.roles:
            return
        self.found.roles[name] = folder = self._role_folder(name, beside, collections)
        if folder is None:
            return
        if name.count(".") > 1:
            collections = [".".join(name.split(".")[:2])]
        for file in files_in(folder):
            if file.suffix in {".yml", ".yaml"} and file.parent.name in _ROLE_TEXTS:
                self._follow(file, collections, role=folder)

    def _follow(self, path: Path, collections: Sequence[str], role: Path | None = None) -> None:
        """Take in a file of plays or tasks, and what it names."""
        if path in self._followed:
            return
        self._followed.add(path)
        if role is None:
            self.found.files[path] = None
        pairs = list(_pairs(load_any_tag(path)))
        short = [name for key, value in pairs if key == "collections" for name in _names(value)]
        for key, value in pairs:
            word = key.rpartition(".")[2]
            if word in _IMPORTS:
                self._import(word, value, path, collections)
            elif word in _ROLE_KEYS or (word == "dependencies" and path.parent.name == "meta"):
                for name in _names(value, "name", "role"):
                    self.role(name, role.parent if role else self._base, [*short, *collections])
            elif word in _CARRIERS:
                for name in _carried(value):
                    self._take(path.parent / name)
                    self._take(self._base / name)
            for name in _file_names(value):
                for file in (path.parent / name, self._base / name):
                    if file.is_file():
                        self._take(file)

    def _import(self, word: str, value: Any, path: Path, collections: Sequence[str]) -> None:
        for name in _names(value, "file"):
            near = (path.parent / name, path.parent / _IMPORTS[word] / name, self._base / name)
            file = next((one.resolve() for one in near if one.is_file()), None)
            if file is None:
                continue
            if word != "import_playbook":
                self._follow(file, collections)
            elif file not in self._followed:
                self.playbook(file)

    def _take(self, path: Path) -> None:
        """Count a file, or every file of a folder."""
        if path.is_dir():
            self.found.files.update(dict.fromkeys(files_in(path.resolve())))
        elif path.is_file():
            self.found.files[path.resolve()] = None

    def _role_folder(self, name: str, beside: Path, collections: Sequence[str]) -> Path | None:
        """Find a role as Ansible does: in collections by its full name, else by the roles path."""
        full = [name] if name.count(".") > 1 else [f"{one}.{name}" for one in collections]
        places = []
        for space, collection, role in (one.split(".", 2) for one in full):
            tail = Path("ansible_collections", space, collection, "roles", role)
            installed = [Path(folder) for folder in sys.path if folder]
            roots = [self._base / "collections", *self._search.collections, *installed]
            places += [root / tail for root in roots]
        for folder in (self._base / "roles", *self._search.roles, beside, self._base):
            places.append(folder / name)
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


def _flat(value: Any) -> Iterator[Any]:
    """Give the items of a list and of the lists in it, or what is no list alone."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _names(value: Any, *keys: str) -> Iterator[str]:
    """Give the names in ``x``, ``{name: x}`` or a list of either, templates left out."""
    for item in _flat(value):
        name = item
        if isinstance(item, dict):
            name = next((item[key] for key in keys if key in item), None)
        if isinstance(name, str) and name and "{{" not in name:
            yield name


def _carried(value: Any) -> Iterator[str]:
    """Give the ``src`` of a module that brings a file of this machine to the hosts."""
    if isinstance(value, dict):
        source = value.get("src", value.get("cmd"))
        if isinstance(source, str) and not value.get("remote_src"):
            yield source
    elif isinstance(value, str) and "remote_src" not in value:
        yield value.split(" ", 1)[0].removeprefix("src=")


def _file_names(value: Any) -> Iterator[str]:
    """Give what may be the name of a file here in a text, or in a list of texts.

    All of it, or what stands in quotes in a template, such as ``lookup('file', 'motd')``; an
    absolute name would more often be one of the host's.
    """
    for text in _flat(value):
        if not isinstance(text, str):
            continue
        words = [text] if "{{" not in text else [a or b for a, b in _QUOTED.findall(text)]
        yield from (w for w in words if len(w) <= _LONGEST_NAME and "\n" not in w and w[:1] != "/")
