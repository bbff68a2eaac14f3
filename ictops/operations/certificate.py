"""Certificates of erasure: what a PC said of its disks, with who wanted it and who approved it.

They are kept in the journal as data; the PDF is made of them whenever it is wanted, and is the
same each time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from ictops import __version__
from ictops.errors import RunError
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import End, Erased, Hardware
from ictops.imaging.wire.words import moment
from ictops.plans.model import Plan
from ictops.store.certificates import Certificates
from ictops.store.journal import Journal
from ictops.store.records import CertificateRecord


@dataclass(frozen=True, slots=True)
class Approved:
    """Who approved the plan, and when."""

    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What became of the disks of a PC that was to be erased. Times are ISO 8601."""

    ictops_certificate: Literal[1]
    ictops: str
    """The version of ictops that wrote it down."""
    cluster: str
    site: str
    school: str
    """The site's name."""
    host: str
    vendor: str
    model: str
    serial: str
    mac: str
    uuid: str
    job: str
    run: str
    plan: str
    """The plan's digest."""
    planned_by: str
    planned_at: str
    approved: tuple[Approved, ...]
    named: tuple[str, ...]
    """Serial numbers of the disks that were to be erased."""
    disks: tuple[Erased, ...]
    notes: tuple[str, ...]
    message: str
    """What went wrong, if the PC said so."""
    ended: str

    @property
    def erased(self) -> bool:
        """Whether every disk is: the named ones all told of, and nothing wrong with any."""
        told = {disk.serial for disk in self.disks}
        whole = bool(self.named) and told >= set(self.named) and not self.message
        return whole and all(map(is_erased, self.disks))


def is_erased(disk: Erased) -> bool:
    """Whether what was said of a disk bears that it is erased."""
    return disk.erased and not disk.fault and bool(disk.method) and disk.verified > 0


def certify(
    journal: Journal,
    run_id: str,
    job: Job,
    end: End,
    *,
    school: str,
    hardware: Hardware | None,
    uuid: str,
    at: datetime,
) -> CertificateRecord:
    """Write down what became of a PC's disks; of one job the first certificate stays.

    :param school: the site's name.
    :param uuid: the SMBIOS UUID of the PC that claimed the job.
    :param at: when the PC said so.
    :raises RunError: if there is no such run, or the job was no erase.
    """
    if job.erase is None:
        raise RunError("this job was to erase nothing", where=f"{job.host}, job {job.id}")
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    certificate = Certificate(
        ictops_certificate=1,
        ictops=__version__,
        cluster=run.cluster,
        site=job.site,
        school=school,
        host=job.host,
        vendor=hardware.vendor if hardware else "",
        model=hardware.model if hardware else "",
        serial=hardware.serial if hardware else "",
        mac=job.mac,
        uuid=uuid,
        job=job.id,
        run=run.id,
        plan=run.plan_digest,
        planned_by=plan.made_by,
        planned_at=plan.made_at.isoformat(),
        approved=tuple(
            Approved(one.by, one.at.isoformat()) for one in journal.approvals(run.plan_digest)
        ),
        named=job.erase.serials,
        disks=end.erased,
        notes=end.notes,
        message="" if end.outcome == "done" else end.message or end.fault or end.outcome,
        ended=at.isoformat(),
    )
    return Certificates(journal).keep(as_record(certificate))


def as_record(certificate: Certificate) -> CertificateRecord:
    """Give a certificate as the journal keeps it: always the same text for the same one."""
    # ASCII: what hardware says of itself may be no text that a database could hold.
    data = json.dumps(asdict(certificate), sort_keys=True, separators=(",", ":"))
    return CertificateRecord(
        cluster=certificate.cluster,
        host=certificate.host,
        site=certificate.site,
        run_id=certificate.run,
        job=certificate.job,
        erased=certificate.erased,
        ended_at=moment(certificate.ended),
        digest=sha256(data.encode()).hexdigest(),
        data=data,
    )


def read(record: CertificateRecord) -> Certificate:
    """Give a certificate that the journal kept."""
    return strict.loads(Certificate, record.data)


def newest(
    journal: Journal, cluster: str, host: str, run_id: str | None = None
) -> CertificateRecord:
    """Give a host's newest certificate, or that of a run.

    :raises RunError: if there is none.
    """
    kept: Sequence[CertificateRecord] = Certificates(journal).kept(cluster, host=host)
    found = [one for one in kept if run_id in {None, one.run_id}]
    if not found:
        raise RunError(
            "no certificate is kept for it" + (f" of run {run_id}" if run_id else ""),
            where=host,
            do="'ictops erase list' shows those that are",
        )
    return found[0]
