"""Run ictops and strike it at the n-th commit of its journal.

``python -m tests.support.struck begin|wave N before|after WORDS…``: SIGKILL just before that
commit, when all that led to it has been done, or just after it, when nothing that follows
it has. Commits are counted from the beginning, or from the end of the first wave's shard.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ictops.cli.app import main
from ictops.store.journal import Journal
from ictops.store.lease import Lease


def strike_at(since: str, number: int, when: str) -> None:
    plain, end_shard = Journal.writing, Lease.end_shard
    counting = since == "begin"
    commits = 0

    @contextmanager
    def writing(self: Journal) -> Iterator[sa.Connection]:
        nonlocal commits
        commits += counting
        strikes = counting and commits == number
        with plain(self) as connection:
            yield connection
            if strikes and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        if strikes and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    def ending(self: Lease, *words: Any, **more: Any) -> None:
        nonlocal counting
        end_shard(self, *words, **more)
        counting = True

    Journal.writing = writing  # type: ignore[method-assign]
    Lease.end_shard = ending  # type: ignore[method-assign]


if __name__ == "__main__":
    strike_at(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    sys.argv = ["ictops", *sys.argv[4:]]
    main()
