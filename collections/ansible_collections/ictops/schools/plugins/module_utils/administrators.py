# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may become root on a Linux host by its own files, and by what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

AS_GOOD_AS_ROOT = ("admin", "docker", "lxd", "sudo", "wheel")
"""Groups whose members may do all, by their tools' own makers' words."""
EVERYBODY = "ALL"
_NO_RULE = ("#", "@", "Defaults", "Host_Alias", "Cmnd_Alias", "Cmd_Alias", "Runas_Alias")
_ALIAS = "User_Alias"
_BY_NUMBER = re.compile(r"%?#\d+")


def administrators(root: Path = Path("/")) -> dict[str, list[str]]:
    """Give by user, or ``ALL``, what makes an administrator of each.

    Users and groups of a directory are named as sudo's rules name them: a group as ``%name``.
    """
    users = _table(root / "etc/passwd", 7)
    groups = _table(root / "etc/group", 4)
    found: dict[str, set[str]] = {}

    def add(user: str, why: str) -> None:
        found.setdefault(user, set()).add(why)

    for row in users:
        if row[2] == "0":
            add(row[0], "user id 0")
    numbers = {row[0]: row[2] for row in groups}

    def members(group: str) -> list[str]:
        listed = [name for row in groups if row[0] == group for name in row[3].split(",") if name]
        return listed + [row[0] for row in users if row[3] == numbers.get(group)]

    for group in AS_GOOD_AS_ROOT:
        for user in members(group):
            add(user, f"group {group}")
    for name, file in sudo_users(root):
        if not name.startswith("%"):
            add(name, file)
        elif name[1:] in numbers:
            for user in members(name[1:]):
                add(user, f"group {name[1:]}")
        else:
            add(name, file)
    return {user: sorted(whys) for user, whys in sorted(found.items())}


def sudo_users(root: Path) -> Iterator[tuple[str, str]]:
    """Give each user and ``%group`` that a rule of sudo is for, and the file that it stands in."""
    folder = root / "etc/sudoers.d"
    more = sorted(folder.iterdir()) if folder.is_dir() else []
    # As sudo reads them: no copies of an editor's.
    files = [path for path in more if not path.name.endswith("~") and "." not in path.name]
    rules: list[tuple[list[str], str]] = []
    aliases: dict[str, list[str]] = {}
    for path in [root / "etc/sudoers", *files]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="surrogateescape").replace("\\\n", " ")
        for line in map(str.strip, text.splitlines()):
            by_number = _BY_NUMBER.match(line) is not None
            if line.startswith(_ALIAS):
                for one in line[len(_ALIAS) :].split(":"):
                    name, _, listed = one.partition("=")
                    aliases[name.strip()] = [who.strip() for who in listed.split(",")]
            elif line and (by_number or not line.startswith(_NO_RULE)):
                who = re.sub(r"\s*,\s*", ",", line).split()[0]
                rules.append((who.split(","), f"/{path.relative_to(root)}"))
    for listed, file in rules:
        for who in listed:
            for name in aliases.get(who, [who]):
                yield name, file


def _table(path: Path, columns: int) -> list[list[str]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [row for row in (line.split(":") for line in lines) if len(row) == columns]
