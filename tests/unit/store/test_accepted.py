"""Drift that people let be, in each database that can hold a journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ictops.store.accepted import Accepted
from ictops.store.fingerprints import Fingerprints
from ictops.store.journal import Journal
from ictops.store.records import AcceptedRecord, FingerprintRecord
from tests.support.journals import NOW

DAY = timedelta(days=1)
WORD = AcceptedRecord(
    "demo", "pc-1", "host", "motd", "a" * 64, NOW + DAY, "open day", "ann", NOW
)  # fmt: skip


def test_it_stands_until_its_time_and_only_there(journal: Journal) -> None:
    accepted = Accepted(journal)
    accepted.accept([WORD, replace(WORD, host="pc-2"), replace(WORD, cluster="other")])
    assert accepted.standing("demo", NOW) == [WORD, replace(WORD, host="pc-2")]
    assert accepted.standing("demo", NOW + DAY) == []


def test_the_newest_word_on_an_item_counts(journal: Journal) -> None:
    accepted = Accepted(journal)
    later = replace(WORD, digest="b" * 64, until=NOW + 2 * DAY, at=NOW + DAY, reason="another")
    accepted.accept([WORD])
    accepted.accept([later])
    assert accepted.standing("demo", NOW) == [later]


def test_fingerprints_are_written_in_any_database(journal: Journal) -> None:
    prints = Fingerprints(journal)
    one = FingerprintRecord("demo", "pc-1", "b" * 64, "f" * 64, NOW)
    prints.record([one, one])
    prints.record([replace(one, taken_at=NOW - DAY, digest="e" * 64)])
    assert prints.since("demo", NOW - 9 * DAY) == [one]
    assert prints.since("other", NOW - 9 * DAY) == []
