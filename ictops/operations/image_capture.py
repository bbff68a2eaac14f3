"""A reference PC captured over the network, begun at once, and published as an image."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.errors import ImageError, PlanError
from ictops.imaging.images.publish import Published, Seed
from ictops.imaging.images.wims import WimChoice
from ictops.imaging.published import imaging_folder
from ictops.operations.apply import create_run
from ictops.operations.image import (
    CAPTURE,
    as_data,
    named_servers,
    pc_work,
    refuse_without_mac,
)
from ictops.operations.images import Say, capture, new_version
from ictops.operations.planning import Request, make_plan, open_cluster
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Gate
from ictops.settings import Settings, make_private
from ictops.store.journal import Journal
from ictops.store.records import GOOD

PLAYBOOK = "image_capture.yml"
RETRY = timedelta(minutes=5)
REASON = "a reference PC is captured"


def begin_capture(
    journal: Journal,
    settings: Settings,
    name: str,
    host: str,
    *,
    version: str | None,
    and_servers: bool = False,
) -> str:
    """Write a run down that brings a PC's disk to this machine, and give its id.

    It waits for no window: a person has made this PC ready. Of the image's newest version, if
    there is one, the PC sends only what differs.

    :param name: the image that is to be made.
    :raises ImageError: if there can be no such version.
    :raises PlanError: if the host is not in the inventory, or is not to be captured.
    """
    folder = imaging_folder(settings)
    new_version(folder.store, name, version)
    there = [one for one in folder.store.versions() if one.name == name]
    found = {one.name: one for one in open_cluster(settings).all_hosts()}
    if host not in found:
        raise PlanError(f"not in the inventory: {host}", do="Give the name of a host")
    request = Request(
        sites=(found[host].site,),
        span=None,
        limit=host,
        canary=CanaryRule("none"),
        shares=(),
        gate=Gate(site_failures="100%", run_failures="100%"),
        limits=settings.limits,
        retry_every=RETRY,
    )
    servers = named_servers(settings, request, and_servers=and_servers)
    seeds = {"workstation_image_seeds": [as_data(folder.read(one).ref) for one in there[-1:]]}
    work = pc_work(settings, servers, CAPTURE, f"capture of {host} as {name}", PLAYBOOK, seeds)
    plan = make_plan(settings, request, work).plan
    refuse_without_mac(settings, plan)
    make_private(folder.path / "captured")
    now = datetime.now(UTC).replace(microsecond=0)
    return create_run(journal, plan, now, now_reason=REASON)


def captured_folder(settings: Settings, run_id: str, host: str) -> Path:
    """Give where a run brings what it has captured of a host."""
    return imaging_folder(settings).path / "captured" / run_id / host


def publish_captured(
    journal: Journal,
    settings: Settings,
    run_id: str,
    name: str,
    *,
    version: str | None,
    seed: Seed | None,
    say: Say,
    wim: WimChoice | None,
) -> Published | None:
    """Make a version of what a run has captured, and keep what it was made of no longer.

    :returns: None if the run has captured nothing.
    :raises ImageError: if it cannot be published; what was captured is then kept.
    """
    (host,) = journal.hosts(run_id)
    if host.outcome not in GOOD:
        return None
    folder = captured_folder(settings, run_id, host.host)
    try:
        made = capture(settings, name, folder, version=version, seed=seed, say=say, wim=wim)
    except ImageError as error:
        kept = f"What was captured is kept: 'ictops image capture {name} {folder}' publishes it"
        raise type(error)(
            error.what, where=error.where, do=f"{error.do}. {kept}" if error.do else kept
        ) from error
    shutil.rmtree(folder.parent)
    return made
