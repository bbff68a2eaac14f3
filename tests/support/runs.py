"""What tests of runs share: a playbook that counts, and looking at what became of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


def counts(workspace: Workspace, name: str, hosts: Sequence[str] = HOSTS) -> dict[str, int]:
    """Give how often the counting playbook ran on each host."""

    def count(host: str) -> int:
        text = workspace.on(host, "sh", "-c", f"cat /root/{name} 2>/dev/null || true")
        return len(text.splitlines())

    with ThreadPoolExecutor(len(hosts)) as pool:
        return dict(zip(hosts, pool.map(count, hosts), strict=True))


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.05)


def tokens(workspace: Workspace) -> list[str]:
    with sqlite3.connect(workspace.folder / "state" / "journal.db") as connection:
        found = [row[0] for row in connection.execute("SELECT token FROM shard")]
    connection.close()
    return found


def journal_of(workspace: Workspace) -> Journal:
    return Journal.open(f"sqlite:///{workspace.folder / 'state' / 'journal.db'}")


def newest(workspace: Workspace) -> str:
    return str(workspace.json("run", "list")[0]["id"])


def outcomes(workspace: Workspace, run: str) -> dict[str, str]:
    return {h["host"]: h["outcome"] for h in workspace.json("run", "show", run)["hosts"]}


def apply(plan: Path) -> list[str]:
    return ["apply", str(plan), "--now", "--reason", "test", "--yes"]
