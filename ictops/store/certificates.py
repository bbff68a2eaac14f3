"""Certificates of erased disks: one a job, written once, never changed and never pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256

import sqlalchemy as sa

from ictops.errors import JournalDamaged
from ictops.store import tables as t
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal
from ictops.store.records import CertificateRecord


class Certificates:
    """The certificates in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def keep(self, certificate: CertificateRecord) -> CertificateRecord:
        """Write a certificate down, and give what is kept: of one job the first that came."""
        c = t.certificate.c
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"certificate {certificate.job}")
            known = sa.select(sa.exists().where(c.job == certificate.job))
            if not connection.execute(known).scalar_one():
                connection.execute(t.certificate.insert().values(asdict(certificate)))
        (kept,) = self._rows(c.job == certificate.job)
        return kept

    def kept(
        self, cluster: str, *, host: str | None = None, sites: Sequence[str] = ()
    ) -> list[CertificateRecord]:
        """Give the certificates of a cluster, or of some of it, newest first.

        :raises JournalDamaged: if one is not what was written.
        """
        c = t.certificate.c
        where = [c.cluster == cluster]
        where += [c.host == host] if host else []
        where += [c.site.in_(sites)] if sites else []
        return self._rows(*where)

    def _rows(self, *where: sa.ColumnElement[bool]) -> list[CertificateRecord]:
        c = t.certificate.c
        query = sa.select(t.certificate).where(*where).order_by(c.ended_at.desc(), c.id.desc())
        found = self.journal.rows(CertificateRecord, query)
        for one in found:
            if sha256(one.data.encode()).hexdigest() != one.digest:
                raise JournalDamaged(
                    "the certificate is not what was written down",
                    where=f"{one.host}, job {one.job}",
                    do="Look for it in the copies of the journal ('ictops journal copies')",
                )
        return found
