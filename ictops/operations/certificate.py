"""Certificates of erasure: what a PC said of its disks, with who wanted it and who approved it.

They are kept in the journal as data; the PDF is made of them whenever it is wanted, and is the
same each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

from ictops import __version__
from ictops.errors import RunError
from ictops.imaging.wire import strict
from ictops.imaging.wire.said import End, Erased, Hardware
from ictops.imaging.wire.words import GUID, moment
from ictops.operations.hardware import ERASE_VARIABLE
from ictops.plans.model import Plan
from ictops.store.certificates import Certificates
from ictops.store.journal import Journal
from ictops.store.records import CertificateRecord, EventRecord, RunRecord


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
    macs: tuple[str, ...]
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


def record_certificates(
    journal: Journal, run: RunRecord, schools: Mapping[str, str]
) -> list[CertificateRecord]:
    """Keep what the PCs of a run that erases said of their disks, and give the certificates.

    To do it again changes nothing: of one job the first word stays.

    :param schools: the sites' names by code; a site that is not there is called by its code.
    """
    plan = Plan.model_validate_json(run.plan)
    approvals = journal.approvals(run.plan_digest)
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    kept = []
    for event in journal.events(run.id):
        told = _told(event)
        if told is None or event.host not in site_of:
            continue
        site = site_of[event.host]
        hardware, uuid = told.hardware, told.uuid
        certificate = Certificate(
            ictops_certificate=1,
            ictops=__version__,
            cluster=run.cluster,
            site=site,
            school=schools.get(site, site),
            host=event.host,
            vendor=hardware.vendor if hardware else "",
            model=hardware.model if hardware else "",
            serial=hardware.serial if hardware else "",
            macs=hardware.macs if hardware else (),
            uuid=uuid,
            job=told.job,
            run=run.id,
            plan=run.plan_digest,
            planned_by=plan.made_by,
            planned_at=plan.made_at.isoformat(),
            approved=tuple(Approved(one.by, one.at.isoformat()) for one in approvals),
            named=tuple(map(str, plan.extra_vars.get(ERASE_VARIABLE, {}).get(event.host, ()))),
            disks=told.end.erased,
            notes=told.end.notes,
            message=_message(told.end),
            ended=event.at.isoformat(),
        )
        kept.append(Certificates(journal).keep(as_record(certificate)))
    return kept


@dataclass(frozen=True, slots=True)
class _Told:
    job: str
    end: End
    hardware: Hardware | None
    uuid: str


def _told(event: EventRecord) -> _Told | None:
    """Give a PC's last word, if an event holds it: a result of the module ``imaging_job``."""
    if '"end"' not in event.data:
        return None
    result = json.loads(event.data)["data"].get("res") or {}
    if not isinstance(result.get("end"), dict) or not GUID.fullmatch(str(result.get("id"))):
        return None
    seen = result.get("ictops_hardware") or {}
    hardware = None
    try:
        end = strict.from_data(End, result["end"])
        if seen:
            hardware = strict.from_data(Hardware, seen.get("hardware"))
    except strict.NotAsAgreed as error:
        end = End("failed", "agent", f"what the PC said is not as agreed on: {error}")
    return _Told(result["id"], end, hardware, str(seen.get("uuid") or ""))


def _message(end: End) -> str:
    return "" if end.outcome == "done" else end.message or end.fault or end.outcome


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
