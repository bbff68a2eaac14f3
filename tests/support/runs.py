"""What tests of runs share: playbooks that count, and looking at what became of them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import yaml

from ictops.store.journal import Journal
from tests.support.lab import Workspace

HOSTS = [f"lab00{s}-{h}" for s in (1, 2) for h in ("ws-01", "ws-02", "srv-01")]

COUNTING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Count this run
      ansible.builtin.shell: echo run >> /root/{name}
    - name: Take a while
      ansible.builtin.command: sleep {seconds}
"""

HOLDING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Count this run
      ansible.builtin.shell: echo run >> /root/{name}
    - name: Wait to be let go
      ansible.builtin.shell: until [ -e /root/{name}.go ]; do sleep 0.1; done
"""
"""A host is at work until :func:`let_go` is called for it."""

NOW = ("--now", "--reason", "test", "--yes")

_roots: dict[str, int] = {}


def root_of(workspace: Workspace, host: str) -> Path:
    """Give the root of a running host's files, as this machine sees it: no process is needed."""
    name = workspace.lab.container(host)
    pid = _roots.get(name)
    if pid is None or not Path(f"/proc/{pid}/root/root").is_dir():
        words = ("podman", "inspect", "--format", "{{.State.Pid}}", name)
        pid = int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        _roots[name] = pid
    return Path(f"/proc/{pid}/root")


def counts(workspace: Workspace, name: str, hosts: Sequence[str] = HOSTS) -> dict[str, int]:
    """Give how often the counting playbook ran on each host."""

    def count(host: str) -> int:
        path = root_of(workspace, host) / "root" / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    return {host: count(host) for host in hosts}


def let_go(workspace: Workspace, name: str, hosts: Iterable[str] = HOSTS) -> None:
    """Let the holding playbook go on on these hosts."""
    for host in hosts:
        (root_of(workspace, host) / "root" / f"{name}.go").touch()


def hold_again(workspace: Workspace, name: str, hosts: Iterable[str] = HOSTS) -> None:
    for host in hosts:
        (root_of(workspace, host) / "root" / f"{name}.go").unlink(missing_ok=True)


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.05)


def beside(workspace: Workspace, name: str, settings: str = "") -> Workspace:
    """Give a workspace with a journal of its own, on the same inventory and lab.

    :param settings: lines to add to its ictops.toml.
    """
    folder = workspace.folder / "beside" / name
    folder.mkdir(parents=True, exist_ok=True)
    common = (workspace.folder / "ictops.toml").read_text()
    (folder / "ictops.toml").write_text(common + settings)
    if not (folder / "inventories").exists():
        (folder / "inventories").symlink_to(workspace.folder / "inventories")
    return Workspace(folder, workspace.lab)


def journal_url(workspace: Workspace) -> str:
    default = f"sqlite:///{workspace.folder / 'state' / 'journal.db'}"
    return os.environ.get("ICTOPS_JOURNAL", default)


@contextmanager
def opened(workspace: Workspace) -> Iterator[Journal]:
    """Look into a workspace's journal."""
    journal = Journal.open(journal_url(workspace))
    try:
        yield journal
    finally:
        journal.close()


def tokens(workspace: Workspace) -> list[str]:
    with closing(sqlite3.connect(workspace.folder / "state" / "journal.db")) as connection:
        return [row[0] for row in connection.execute("SELECT token FROM shard")]


def named_by_tokens(workspace: Workspace) -> list[str]:
    """Give the command lines on this machine that name a shard's folder, whoever runs them."""
    folders = tokens(workspace)
    lines = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(folder in line for folder in folders):
                lines.append(line)
    return lines


def newest(workspace: Workspace) -> str:
    """Give the run that was begun last; there must be one."""
    with opened(workspace) as journal:
        return journal.runs(limit=1)[0].id


def how_many_runs(workspace: Workspace) -> int:
    with opened(workspace) as journal:
        return len(journal.runs())


def outcomes(workspace: Workspace, run: str) -> dict[str, str | None]:
    with opened(workspace) as journal:
        return {host.host: host.outcome for host in journal.hosts(run)}


def apply(plan: Path) -> list[str]:
    """Give the words that apply a plan whatever its windows are."""
    return ["apply", str(plan), *NOW]


def set_windows(plan: Path, spans: Sequence[tuple[datetime, datetime]]) -> None:
    """Give every site of a plan's file these windows."""
    told = yaml.safe_load(plan.read_text())
    for site in told["sites"].values():
        site["windows"] = [{"start": s.isoformat(" "), "end": e.isoformat(" ")} for s, e in spans]
    plan.write_text(yaml.safe_dump(told, sort_keys=False))
