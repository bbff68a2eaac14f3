"""Workstations put back to the image that was last written to them, begun at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ictops.errors import PlanError
from ictops.imaging.wire.job import ImageRef
from ictops.operations.at_once import begin, of_hosts
from ictops.operations.hardware import HEAL_VARIABLE
from ictops.operations.image import (
    HEAL,
    as_data,
    find_image,
    pc_work,
    refuse_without_mac,
    some,
)
from ictops.operations.planning import make_plan
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal

PLAYBOOK = "image_heal.yml"


def begin_heal(
    journal: Journal, settings: Settings, hosts: Sequence[str], reason: str, image: str | None
) -> str:
    """Write a run down that puts workstations back to their image, and give its id.

    It waits for no window: a person sees that these PCs are not as they are to be.

    :param hosts: names, no patterns.
    :param reason: why it is done now; it is kept in the journal.
    :param image: ``NAME`` or ``NAME=VERSION``; else what was last written to each host.
    :raises ImageError: if the image is not published.
    :raises PlanError: if a host is not in the inventory or is no workstation, or nobody knows its
        MAC or its image.
    """
    wanted = list(dict.fromkeys(hosts))
    request = of_hosts(settings, wanted)
    images = {HEAL_VARIABLE: _images(journal, settings, wanted, image)}
    work = pc_work(settings, (), HEAL, f"put back to their image: {some(wanted)}", PLAYBOOK, images)
    plan = make_plan(settings, request, work).plan
    if left_out := sorted(set(wanted) - set(plan.hosts)):
        raise PlanError(f"no workstations: {some(left_out)}", do="Only workstations are put back")
    refuse_without_mac(settings, plan)
    return begin(journal, plan, reason)


def _images(
    journal: Journal, settings: Settings, hosts: Sequence[str], image: str | None
) -> dict[str, dict[str, Any]]:
    """Give by host the image that it is put back to."""
    if image is not None:
        return dict.fromkeys(hosts, as_data(find_image(settings, image).ref))
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
