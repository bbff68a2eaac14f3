"""Run ictops and strike it at the n-th commit of its journal.

``python -m tests.support.struck N before|after WORDS…``: SIGKILL just before that commit,
when all that led to it has been done, or just after it, when nothing that follows it has.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ictops.cli.app import main
from ictops.store.journal import Journal


def strike_at(number: int, when: str) -> None:
    plain = Journal.writing
    commits = 0

    @contextmanager
    def writing(self: Journal) -> Iterator[sa.Connection]:
        nonlocal commits
        commits += 1
        with plain(self) as connection:
            yield connection
            if commits == number and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        if commits == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.writing = writing  # type: ignore[method-assign]


if __name__ == "__main__":
    strike_at(int(sys.argv[1]), sys.argv[2])
    sys.argv = ["ictops", *sys.argv[3:]]
    main()
