"""What a playbook touched on a host, told from its modules' arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

ONLY_LOOK = frozenset(
    {
        "assert", "debug", "fingerprint", "gather_facts", "include_tasks", "import_tasks", "setup",
        "stat", "validate_argument_spec", "software_health",
    }
)  # fmt: skip
"""Modules whose outcome is not drift."""

Touched = tuple[str, str]
"""A part of a fingerprint, and what of it."""


def arguments_of(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each module that ran, and its arguments, from what the callback ``json`` tells."""
    for play in told["plays"]:
        for task in play["tasks"]:
            for result in task["hosts"].values():
                name = str(result["action"]).rpartition(".")[2]
                for one in result.get("results") or [result]:
                    if not one.get("skipped") and (name not in ONLY_LOOK or name == "fingerprint"):
                        yield name, one["invocation"]["module_args"]


def _file(given: dict[str, Any]) -> list[Touched]:
    return [("files", given.get("dest") or given["path"])]


def _files(*paths: str) -> list[Touched]:
    return [("files", path) for path in paths]


LOOKS_AT: dict[str, Callable[[dict[str, Any]], list[Touched]]] = {
    **dict.fromkeys(("authorized_key", "copy", "file", "lineinfile", "template"), _file),
    "user": lambda _: _files("/etc/passwd", "/etc/shadow", "/etc/group"),
    "group": lambda _: _files("/etc/group"),
    "hostname": lambda _: _files("/etc/hostname", "/proc/sys/kernel/hostname"),
    "apt": lambda _: [("packages", "")],
    "systemd_service": lambda given: [("services", given["name"])],
    "sysctl": lambda given: [("sysctl", given["name"]), *_files(given["sysctl_file"])],
    "mount": lambda given: [("mounts", given["path"]), *_files("/etc/fstab")],
    "mount_flags": lambda given: [("mounts", one["path"]) for one in given["mounts"]],
    "firewall_table": lambda given: [("firewall", given["table"])],
    "software_state": lambda _: [("packages", ""), *_files("/var/lib/flatpak/repo/config")],
    "host_expectations": lambda _: [
        ("ports", ""),
        *_files("/etc/passwd", "/etc/group", "/etc/sudoers", "/etc/sudoers.d/any"),
    ],
}


def touched(module: str, given: dict[str, Any]) -> list[Touched]:
    """Give what a module looks at; one that is not known here is an error."""
    assert module in LOOKS_AT, f"what does the module {module} look at? Say it here"
    return LOOKS_AT[module](given)


def is_declared(one: Touched, declared: dict[str, list[Any]]) -> bool:
    """Tell whether a fingerprint of what is declared would have something in it."""
    part, what = one
    if not what:
        return bool(declared.get(part))
    if part == "files":
        return any(fnmatchcase(what, pattern) for pattern in declared[part])
    return what in declared.get(part, [])
