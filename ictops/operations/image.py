"""Plans that write images to workstations, or erase their disks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.estate.select import names_in, select
from ictops.imaging.published import Published, imaging_folder
from ictops.imaging.wire.job import ImageRef
from ictops.operations.hardware import (
    ERASE_VARIABLE,
    IMAGE_VARIABLE,
    disk_words,
    known_hardware,
    own_disks,
)
from ictops.operations.planning import (
    Draft,
    Request,
    Work,
    make_plan,
    name_playbook,
    open_cluster,
    sites_of,
)
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Plan
from ictops.plans.sources import THEN_VARIABLE
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HardwareRecord, HostImageRecord

IMAGE, ERASE, HEAL, CAPTURE = "image", "erase", "image-heal", "image-capture"
"""What runs are called in the journal."""
IMAGE_PLAYBOOK, ERASE_PLAYBOOK = "image.yml", "erase.yml"
MOST_SEEDS = 4
"""Images that a disk is looked through for: each costs the PC some reading."""
MOST_NAMES = 10
"""Hosts that are named in one sentence."""


@dataclass(frozen=True, slots=True)
class Imaging:
    """How an image is brought out.

    :ivar multicast: whether the PCs of a room that go together receive it together.
    :ivar cache: bytes of the partition that keeps the image at the PC; 0 for none.
    :ivar then: the playbook that comes after it.
    :ivar and_servers: whether servers that the limit names are imaged, too.
    """

    multicast: bool = False
    cache: int = 0
    then: Path = Path("site.yml")
    and_servers: bool = False


def plan_image(settings: Settings, image: str, request: Request, how: Imaging) -> Draft:
    """Plan that an image is written to workstations, and their roles applied after it.

    :param image: ``NAME`` for its newest version, or ``NAME=VERSION``.
    :raises ImageError: if it is not published.
    :raises PlanError: where no host is left to image, or what is asked cannot be.
    """
    published = find_image(settings, image)
    servers = named_servers(settings, request, and_servers=how.and_servers)
    extra_vars: dict[str, Any] = {
        IMAGE_VARIABLE: as_data(published.ref),
        THEN_VARIABLE: name_playbook(how.then),
    }
    if how.multicast:
        extra_vars["workstation_image_multicast"] = True
    if how.cache:
        extra_vars["workstation_image_cache"] = how.cache
    title = f"image {published.ref.name} {published.ref.version}"
    work = pc_work(settings, servers, IMAGE, title, IMAGE_PLAYBOOK, extra_vars)
    draft = make_plan(settings, request, work)
    refuse_without_mac(settings, draft.plan)
    journal = Journal.open(settings.journal_url)
    try:
        known = known_hardware(journal, settings, draft.plan.hosts)
        images = Inventory(journal).images(settings.cluster)
    finally:
        journal.close()
    notes = [*draft.notes, *_notes(draft.plan, known, published)]
    plan = _with_about(draft.plan, known)
    seeds = _seeds(settings, [one for one in images if one.host in set(plan.hosts)], published)
    if seeds:
        more = {"workstation_image_seeds": [as_data(one) for one in seeds]}
        plan = plan.model_copy(update={"extra_vars": {**plan.extra_vars, **more}})
    return Draft(plan, draft.forecast, tuple(notes))


def plan_erase(
    settings: Settings,
    hosts: Sequence[str],
    typed: Collection[str],
    request: Request,
    *,
    and_servers: bool = False,
) -> Draft:
    """Plan that every built-in disk of these hosts is erased, for their disposal.

    Another person than its author must approve it.

    :param typed: the names as a person has typed them a second time.
    :raises PlanError: if a name was not typed, or nobody knows which disks a host has.
    """
    wanted = list(dict.fromkeys(hosts))
    if set(typed) != set(wanted):
        missing = some(sorted(set(wanted) ^ set(typed)))
        raise PlanError(
            f"the names that were typed are not those of the hosts: {missing}",
            where="--asset",
            do="Type the name of each host whose disks are to be erased, and of no other",
        )
    request = replace(
        request, sites=sites_of(settings, wanted), limit=",".join(wanted),
        canary=CanaryRule("none"), shares=(), needs_approval=True,
    )  # fmt: skip
    servers = named_servers(settings, request, and_servers=and_servers)
    journal = Journal.open(settings.journal_url)
    try:
        known = known_hardware(journal, settings, wanted)
    finally:
        journal.close()
    extra_vars = {ERASE_VARIABLE: _serials(wanted, known)}
    work = pc_work(settings, servers, ERASE, f"erase {some(wanted)}", ERASE_PLAYBOOK, extra_vars)
    draft = make_plan(settings, request, work)
    refuse_without_mac(settings, draft.plan)
    plan = _with_about(draft.plan, known).model_copy(update={"two_people": True})
    return Draft(plan, draft.forecast, draft.notes)


def find_image(settings: Settings, image: str) -> Published:
    """Give an image as a person names it.

    :param image: ``NAME`` for its newest version, or ``NAME=VERSION``.
    :raises ImageError: if it is not published.
    """
    name, _, version = image.partition("=")
    return imaging_folder(settings).find(name, version or None)


def pc_work(
    settings: Settings,
    servers: Collection[str],
    operation: str,
    title: str,
    playbook: str,
    extra_vars: Mapping[str, Any],
) -> Work:
    """Say what is done to workstations by a job of theirs, and to servers that are meant."""
    told = {"workstation_image_folder": str(imaging_folder(settings).path), **extra_vars}
    if servers:
        told["workstation_image_and_servers"] = sorted(servers)
    return Work(
        operation=operation,
        title=title,
        playbook=playbook,
        extra_vars=told,
        takes=lambda host: is_workstation(host) or host.name in servers,
        only_for="workstations",
    )


def is_workstation(host: Host) -> bool:
    """Tell whether a host may be imaged, erased or captured without more ado."""
    return host.kind == "workstation" and "servers" not in host.groups


def named_servers(settings: Settings, request: Request, *, and_servers: bool) -> frozenset[str]:
    """Give the servers that are meant: named one by one, and with the second flag.

    :raises PlanError: if one is named without the flag, or none is with it.
    """
    named = names_in(request.limit or "")
    chosen = select(open_cluster(settings), request.sites or None, request.limit)
    servers = {
        host.name
        for hosts in chosen.values()
        for host in hosts
        if "servers" in host.groups and host.name in named
    }
    if servers and not and_servers:
        raise PlanError(
            f"in the group servers, which is never wiped by the way: {some(sorted(servers))}",
            do="Give --and-servers beside its name, if you mean it",
        )
    if and_servers and not servers:
        raise PlanError(
            "--and-servers is for servers that are named one by one",
            where="--and-servers",
            do="Name them, with --limit; a group or a pattern does not count",
        )
    return frozenset(servers)


def refuse_without_mac(settings: Settings, plan: Plan) -> None:
    """See that a job can be made for each host.

    :raises PlanError: if nobody knows the MAC of one.
    """
    wanted, cluster = set(plan.hosts), open_cluster(settings)
    hosts = [host for code in plan.sites for host in cluster.hosts(code) if host.name in wanted]
    without = [host.name for host in hosts if host.mac is None]
    if without:
        raise PlanError(
            f"no host_mac is known of {some(without)}",
            do="A job is for one MAC: write it into the inventory, or leave these out by --limit",
        )


def _notes(plan: Plan, known: dict[str, HardwareRecord], published: Published) -> Iterable[str]:
    """Say what a person should know of the disks before anything is written to them."""
    unseen = [name for name in plan.hosts if name not in known]
    if unseen:
        yield f"not seen yet, so nobody knows their disks: {some(unseen)}"
    smallest = published.manifest.smallest_disk
    small = [
        name
        for name, record in known.items()
        if not any(disk.size >= smallest for disk in own_disks(record))
    ]
    if small:
        yield (
            f"too small for this image when last seen, and refused if they still are: {some(small)}"
        )


def _with_about(plan: Plan, known: dict[str, HardwareRecord]) -> Plan:
    about = {name: disk_words(known[name]) for name in plan.hosts if name in known}
    return plan.model_copy(update={"about": about})


def _seeds(
    settings: Settings, images: Iterable[HostImageRecord], published: Published
) -> list[ImageRef]:
    """Give the images that these hosts were last given and that are still there, newest first."""
    newest = sorted(images, key=lambda one: one.written_at, reverse=True)
    refs = dict.fromkeys(ImageRef(one.name, one.version, one.digest) for one in newest)
    folder = imaging_folder(settings)
    names = {ref.name for ref in refs}
    there = {folder.read(one).ref for one in folder.store.versions() if one.name in names}
    return [ref for ref in refs if ref in there and ref != published.ref][:MOST_SEEDS]


def _serials(hosts: Iterable[str], known: dict[str, HardwareRecord]) -> dict[str, list[str]]:
    """Give the disks to erase by host; each must be known by its serial number."""
    unseen = [name for name in hosts if name not in known]
    if unseen:
        raise PlanError(
            f"nobody has seen which disks these have: {some(unseen)}",
            do="'ictops inventory hardware --survey' looks while they are on",
        )
    serials = {name: [disk.serial for disk in own_disks(known[name])] for name in hosts}
    nameless = [name for name, of_host in serials.items() if not of_host or not all(of_host)]
    if nameless:
        raise PlanError(
            f"no disk, or one without a serial number, is known of {some(nameless)}",
            do="It cannot be told from others: erase it by hand",
        )
    return serials


def as_data(ref: ImageRef) -> dict[str, str]:
    """Give an image as a role is told of it."""
    return {"name": ref.name, "version": ref.version, "digest": ref.digest}


def some(names: Sequence[str]) -> str:
    """Name hosts, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
