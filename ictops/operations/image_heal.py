"""Workstations put back to the image that was last written to them, begun at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ictops.errors import PlanError
from ictops.imaging.published import imaging_folder
from ictops.imaging.wire.job import ImageRef
from ictops.operations.apply import create_run
from ictops.operations.hardware import HEAL_VARIABLE
from ictops.operations.image import HEAL, as_data, pc_work, some
from ictops.operations.planning import Request, make_plan, open_cluster
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Gate
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal

PLAYBOOK = "image_heal.yml"
RETRY = timedelta(minutes=5)


def begin_heal(
    journal: Journal, settings: Settings, hosts: Sequence[str], reason: str, image: str | None
) -> str:
    """Write a run down that puts workstations back to their image, and give its id.

    It waits for no window: a person sees that these PCs are not as they are to be.

    :param hosts: names, no patterns.
    :param reason: why it is done now; it is kept in the journal.
    :param image: ``NAME`` or ``NAME=VERSION``; else what was last written to each host.
    :raises ImageError: if the image is not published.
    :raises PlanError: if a host is not in the inventory, or nobody knows its image.
    """
    wanted = list(dict.fromkeys(hosts))
    found = {host.name: host for host in open_cluster(settings).all_hosts()}
    if unknown := [name for name in wanted if name not in found]:
        raise PlanError(f"not in the inventory: {', '.join(unknown)}", do="Give names of hosts")
    images = {HEAL_VARIABLE: _images(journal, settings, wanted, image)}
    work = pc_work(settings, (), HEAL, f"put back to their image: {some(wanted)}", PLAYBOOK, images)
    request = Request(
        sites=tuple(dict.fromkeys(found[name].site for name in wanted)),
        span=None,
        limit=",".join(wanted),
        canary=CanaryRule("none"),
        shares=(),
        gate=Gate(site_failures="100%", run_failures="100%"),
        limits=settings.limits,
        retry_every=RETRY,
    )
    plan = make_plan(settings, request, work).plan
    now = datetime.now(UTC).replace(microsecond=0)
    return create_run(journal, plan, now, now_reason=reason)


def _images(
    journal: Journal, settings: Settings, hosts: Sequence[str], image: str | None
) -> dict[str, dict[str, Any]]:
    """Give by host the image that it is put back to."""
    folder = imaging_folder(settings)
    if image is not None:
        name, _, version = image.partition("=")
        one = as_data(folder.find(name, version or None).ref)
        return dict.fromkeys(hosts, one)
    known = {one.host: one for one in Inventory(journal).images(settings.cluster)}
    if missing := [name for name in hosts if name not in known]:
        raise PlanError(
            f"nobody knows which image was written to {', '.join(missing)}",
            do="Name it: --image NAME=VERSION",
        )
    return {
        host: as_data(ImageRef(known[host].name, known[host].version, known[host].digest))
        for host in hosts
    }
