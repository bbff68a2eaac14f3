"""Where Ansible looks for roles and collections, told once for plans and for runs."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import SettingsError
from ictops.settings import Settings, content_dir

# ansible-core's own defaults, DEFAULT_ROLES_PATH and COLLECTIONS_PATHS: where ansible-galaxy
# and a distribution's packages put them.
_ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
_COLLECTIONS = ("~/.ansible/collections", "/usr/share/ansible/collections")


@dataclass(frozen=True, slots=True)
class SearchPath:
    """What is looked through, in this order, after the folder of the playbook itself."""

    content: Path
    """ictops' own playbooks and roles."""
    roles: tuple[Path, ...]
    collections: tuple[Path, ...]
    config: Path | None = None
    """The ansible.cfg that applies: the workspace's, or else ictops' own."""

    @classmethod
    def of(cls, settings: Settings) -> SearchPath:
        """Give where is looked in this workspace.

        :raises SettingsError: if its ansible.cfg cannot be read.
        """
        workspace, content = settings.workspace.resolve(), content_dir()
        configs = [folder / "ansible.cfg" for folder in (workspace, content)]
        config = next((path for path in configs if path.is_file()), None)
        own = _Config(config if config == configs[0] else None)
        roles = [*own.paths("roles_path"), workspace / "roles", content / "roles"]
        collections = [
            *own.paths("collections_path", "collections_paths"),
            workspace / "collections",
            content / "collections",
        ]
        return cls(
            content=content,
            roles=_once([*roles, *map(_expanded, _ROLES)]),
            collections=_once([*collections, *map(_expanded, _COLLECTIONS)]),
            config=config,
        )


class _Config:
    """Of an ansible.cfg the lists of folders."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._parser = configparser.ConfigParser(
            interpolation=None, strict=False, inline_comment_prefixes=(";",)
        )
        if path is None:
            return
        try:
            self._parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            what = str(error).splitlines()[0]
            raise SettingsError(f"ansible.cfg cannot be read: {what}", where=str(path)) from error

    def paths(self, *keys: str) -> Iterator[Path]:
        """Give the folders under the first of these keys that is set."""
        for key in keys:
            value = self._parser.get("defaults", key, fallback="")
            if self._path is not None and value:
                for word in filter(None, value.split(":")):
                    yield (self._path.parent / _expanded(word)).resolve()
                return


def _expanded(text: str) -> Path:
    return Path(text.strip()).expanduser()


def _once(folders: list[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(folders))
