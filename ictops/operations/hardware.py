"""What hosts are made of: kept from what imaged PCs say and from surveys, and told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ictops.estate.models import Host
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.local import Report
from ictops.imaging.wire.said import Disk, Hardware
from ictops.operations.at_once import begin_reading
from ictops.operations.planning import Work
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HardwareRecord, HostImageRecord, RunRecord

SURVEY = "hardware-survey"
"""What a run that looks what hosts are made of is called in the journal."""
PLAYBOOK = "hardware_survey.yml"
READS_ONLY = "a survey changes nothing on a host"
KEY = "ictops_hardware"
"""Of a task's result: what a host is made of, and its UUID."""
HEALED = "ictops_healed"
"""Of a task's result: what a PC reported of the job that it did by itself last."""
IMAGE_VARIABLE = "workstation_image_image"
"""The extra var that says which image a plan writes."""
HEAL_VARIABLE = "workstation_image_heal"
"""The extra var that says by host to which image it is put back."""
ERASE_VARIABLE = "workstation_image_erase"
"""The extra var that says by host the serial numbers of the disks that are erased."""
GIGA = 10**9


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run told of hardware.

    :ivar hosts: whose hardware is kept.
    :ivar healed: what became of it when hosts put themselves back the last time, in words.
    :ivar unreadable: hosts whose word is not as was agreed, and why.
    """

    hosts: tuple[str, ...]
    healed: Mapping[str, str]
    unreadable: Mapping[str, str]


def begin_survey(
    journal: Journal, settings: Settings, *, sites: tuple[str, ...] = (), limit: str | None = None
) -> str:
    """Write a run down that looks what Linux hosts are made of, and give its id.

    :raises PlanError: if there is no such host.
    """
    work = Work(
        operation=SURVEY,
        title="survey of hardware",
        playbook=PLAYBOOK,
        takes=_is_linux_machine,
        only_for="Linux workstations and servers",
    )
    return begin_reading(journal, settings, work, sites, limit, READS_ONLY)


def record_hardware(journal: Journal, run: RunRecord) -> Recorded:
    """Keep what the hosts of a run said of themselves, and which image was written to them.

    To do it again changes nothing.
    """
    plan = Plan.model_validate_json(run.plan)
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    seen: dict[str, HardwareRecord] = {}
    images: dict[str, HostImageRecord] = {}
    healed: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for event in journal.events(run.id):
        host = event.host
        if host is None or host not in site_of or not (KEY in event.data or HEALED in event.data):
            continue
        result = json.loads(event.data)["data"].get("res") or {}
        done = result.get("done") is True
        try:
            if isinstance(told := result.get(HEALED), dict):
                report = strict.from_data(Report, told)
                healed[host] = healed_words(report)
                done = report.end.outcome == "done"
            elif isinstance(told := result.get(KEY), dict):
                seen[host] = _record(run.cluster, host, site_of[host], event.at, told)
            else:
                continue
        except strict.NotAsAgreed as error:
            unreadable[host] = str(error)
            continue
        image = _image_of(plan, host)
        if done and image is not None:
            images[host] = HostImageRecord(
                run.cluster, host, image.name, image.version, image.digest, event.at
            )
    inventory = Inventory(journal)
    inventory.record(seen.values())
    inventory.record_images(images.values())
    return Recorded(tuple(sorted(seen)), healed, unreadable)


def _record(
    cluster: str, host: str, site: str, at: datetime, told: Mapping[str, Any]
) -> HardwareRecord:
    hardware = strict.from_data(Hardware, told.get("hardware"))
    return HardwareRecord(
        cluster=cluster, host=host, site=site, seen_at=at, uuid=str(told.get("uuid") or "")[:36],
        vendor=hardware.vendor, model=hardware.model, serial=hardware.serial,
        firmware=hardware.firmware, secure_boot=hardware.secure_boot, memory=hardware.memory,
        macs=list(hardware.macs), disks=[asdict(disk) for disk in hardware.disks],
    )  # fmt: skip


def _image_of(plan: Plan, host: str) -> ImageRef | None:
    """Give the image that a plan writes to a host."""
    by_host = plan.extra_vars.get(HEAL_VARIABLE) or {}
    image = plan.extra_vars.get(IMAGE_VARIABLE) or by_host.get(host)
    return None if image is None else strict.from_data(ImageRef, image)


def healed_words(report: Report) -> str:
    """Say what became of it when a PC put itself back; what it says of itself may be anything."""
    end = report.end
    if end.outcome == "done":
        how = "; ".join([f"done in {end.seconds:.0f} s", *end.notes])
    else:
        how = f"{end.fault or 'agent'}: {end.message}"
    return _printable(f"put itself back at {report.at}: {how}")


def known_hardware(
    journal: Journal, settings: Settings, hosts: Iterable[str] | None = None
) -> dict[str, HardwareRecord]:
    """Give what hosts were made of when they were last looked at, by host.

    :param hosts: names; all of the cluster's if None.
    """
    found = {one.host: one for one in Inventory(journal).of(settings.cluster)}
    return found if hosts is None else {name: found[name] for name in hosts if name in found}


def own_disks(record: HardwareRecord) -> list[Disk]:
    """Give the disks that are built in: a stick that was in it is not the host's."""
    disks = [strict.from_data(Disk, one) for one in record.disks]
    return [disk for disk in disks if not disk.removable and disk.transport != "usb"]


def disk_words(record: HardwareRecord) -> str:
    """Say which disks a host had, and when; what a disk says of itself may be anything."""
    told = [
        f"{Path(disk.path).name} {disk.size / GIGA:.0f} GB {disk.model} serial {disk.serial or '?'}"
        for disk in own_disks(record)
    ]
    return _printable(f"{', '.join(told) or 'no disk'}; seen {record.seen_at:%d %b %Y}")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def _is_linux_machine(host: Host) -> bool:
    return host.system == "linux" and host.kind in {"workstation", "server"}
