"""Certificates, in each database that can hold a journal."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from ictops.errors import JournalDamaged
from ictops.store import tables
from ictops.store.certificates import Certificates
from ictops.store.journal import Journal
from ictops.store.records import CertificateRecord
from tests.support.journals import NOW, make_run


@pytest.fixture
def one(journal: Journal) -> CertificateRecord:
    return record("job-1", run_id=make_run(journal))


def record(job: str, data: str = '{"disks":[]}', **more: object) -> CertificateRecord:
    made = CertificateRecord(
        cluster="demo", host="pc-1", site="oakfield", run_id=None, job=job, erased=True,
        ended_at=NOW, digest=sha256(data.encode()).hexdigest(), data=data,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_what_was_kept_is_given_newest_first(journal: Journal, one: CertificateRecord) -> None:
    certificates = Certificates(journal)
    later = record("job-2", ended_at=NOW + timedelta(hours=1), erased=False)
    elsewhere = record("job-3", host="pc-2", site="ashby", ended_at=NOW - timedelta(hours=1))
    other = record("job-4", cluster="other")
    for each in (one, later, elsewhere, other):
        assert certificates.keep(each) == each
    assert certificates.kept("demo") == [later, one, elsewhere]
    assert certificates.kept("demo", host="pc-1") == [later, one]
    assert certificates.kept("demo", sites=["ashby", "elm"]) == [elsewhere]


def test_the_first_of_a_job_stays(journal: Journal, one: CertificateRecord) -> None:
    def keep(number: int) -> CertificateRecord:
        return Certificates(journal).keep(record("job-1", f'{{"tried":{number}}}', erased=False))

    Certificates(journal).keep(one)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(keep, range(4))) == [one] * 4
    assert Certificates(journal).kept("demo") == [one]


def test_one_that_was_changed_is_not_given(journal: Journal, one: CertificateRecord) -> None:
    Certificates(journal).keep(one)
    with journal.writing() as connection:
        connection.execute(tables.certificate.update().values(data='{"disks":[1]}'))
    with pytest.raises(JournalDamaged, match="pc-1, job job-1: the certificate is not what was"):
        Certificates(journal).kept("demo")


def test_it_outlives_its_run(journal: Journal, one: CertificateRecord) -> None:
    Certificates(journal).keep(one)
    with journal.writing() as connection:
        connection.execute(sa.delete(tables.run))
    assert Certificates(journal).kept("demo") == [replace(one, run_id=None)]


@pytest.fixture(autouse=True)
def _closed(journal: Journal) -> Iterator[None]:
    yield
    journal.close()
