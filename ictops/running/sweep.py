"""Finding and ending every process of a shard, by the token in its environment.

Killing a process group is not enough: ansible-core's workers and ssh's control masters
start sessions of their own. A control master even writes its title over its environment; the
title names its socket, which lies in the folder of the job, named by the token.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

TOKEN_VARIABLE = "ICTOPS_SHARD_TOKEN"  # noqa: S105 - a name, not a secret
PATIENCE = 2.0
"""Seconds between asking processes to end and making them."""
GIVE_UP = 8.0
"""Seconds after which a process that cannot be killed (in disk sleep) is left alone."""


def processes_of(tokens: Iterable[str]) -> list[int]:
    """Give the ids of the living processes with one of these tokens, but never our own."""
    wanted = [token.encode() for token in tokens]
    if not wanted:
        return []
    variables = {TOKEN_VARIABLE.encode() + b"=" + token for token in wanted}
    folders = [b"/%s/" % token for token in wanted]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            title = (entry / "cmdline").read_bytes().rstrip(b"\0")
        except OSError:  # ended meanwhile, or another user's
            continue
        master = title.startswith(b"ssh: ") and title.endswith(b" [mux]")
        if not variables.isdisjoint(environment) or (
            master and any(folder in title for folder in folders)
        ):
            found.append(int(entry.name))
    return found


def sweep(tokens: Iterable[str]) -> int:
    """End every process with one of these tokens; give how many would not go.

    Each look finds children that were started since the last one.
    """
    wanted = list(tokens)
    started = time.monotonic()
    asked: set[int] = set()
    while alive := processes_of(wanted):
        waited = time.monotonic() - started
        if waited > GIVE_UP:
            return len(alive)
        for pid in alive:
            if waited > PATIENCE:
                _signal(pid, signal.SIGKILL)
            elif pid not in asked:
                _signal(pid, signal.SIGTERM)
                asked.add(pid)
        time.sleep(0.05)
    return 0


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
