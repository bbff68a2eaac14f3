"""Run ictops as it is, and print how many seconds it spent in its journal.

``python -m benchmarks.journal_time WORDS…``: every transaction, read or written, is timed
from its begin to the end of its commit, in the thread that waits for it.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import sqlalchemy as sa

from ictops.cli.app import main
from ictops.store.journal import Journal

Transaction = Callable[[Journal], AbstractContextManager[sa.Connection]]

spent = 0.0


def timed(plain: Transaction) -> Transaction:
    """Give a transaction that adds its time to ``spent``."""

    @contextmanager
    def transaction(journal: Journal) -> Iterator[sa.Connection]:
        global spent  # noqa: PLW0603 - one figure for the whole process
        begun = time.perf_counter()
        try:
            with plain(journal) as connection:
                yield connection
        finally:
            spent += time.perf_counter() - begun

    return transaction


if __name__ == "__main__":
    Journal.writing = timed(Journal.writing)  # type: ignore[method-assign, assignment]
    Journal.reading = timed(Journal.reading)  # type: ignore[method-assign, assignment]
    atexit.register(lambda: print(f"journal seconds {spent}"))
    sys.argv = ["ictops", *sys.argv[1:]]
    main()
