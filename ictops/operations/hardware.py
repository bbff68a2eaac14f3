"""What hosts are made of: kept from what imaged PCs say and from surveys, and told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ictops.estate.models import Host
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.said import Disk, Hardware
from ictops.operations.planning import Work
from ictops.operations.switches import begin_reading
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
IMAGE_VARIABLE = "workstation_image_image"
"""The extra var that says which image a plan writes."""
GIGA = 10**9


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run told of hardware.

    :ivar hosts: whose hardware is kept.
    :ivar unreadable: hosts whose word is not as was agreed, and why.
    """

    hosts: tuple[str, ...]
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
    unreadable: dict[str, str] = {}
    for event in journal.events(run.id):
        if event.host is None or KEY not in event.data:
            continue
        result = json.loads(event.data)["data"].get("res") or {}
        told = result.get(KEY)
        if not isinstance(told, dict) or event.host not in site_of:
            continue
        try:
            hardware = strict.from_data(Hardware, told.get("hardware"))
        except strict.NotAsAgreed as error:
            unreadable[event.host] = str(error)
            continue
        seen[event.host] = HardwareRecord(
            cluster=run.cluster, host=event.host, site=site_of[event.host], seen_at=event.at,
            uuid=str(told.get("uuid") or "")[:36], vendor=hardware.vendor, model=hardware.model,
            serial=hardware.serial, firmware=hardware.firmware, secure_boot=hardware.secure_boot,
            memory=hardware.memory, macs=list(hardware.macs),
            disks=[asdict(disk) for disk in hardware.disks],
        )  # fmt: skip
        if result.get("done") is True and IMAGE_VARIABLE in plan.extra_vars:
            image = strict.from_data(ImageRef, plan.extra_vars[IMAGE_VARIABLE])
            images[event.host] = HostImageRecord(
                run.cluster, event.host, image.name, image.version, image.digest, event.at
            )
    inventory = Inventory(journal)
    inventory.record(seen.values())
    inventory.record_images(images.values())
    return Recorded(tuple(sorted(seen)), unreadable)


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
    text = f"{', '.join(told) or 'no disk'}; seen {record.seen_at:%d %b %Y}"
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def _is_linux_machine(host: Host) -> bool:
    return host.system == "linux" and host.kind in {"workstation", "server"}
