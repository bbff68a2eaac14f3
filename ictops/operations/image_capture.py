"""A reference PC captured over the network, begun at once, and published as an image."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.images.publish import Published, Seed
from ictops.imaging.images.wims import WimChoice
from ictops.imaging.published import imaging_folder
from ictops.operations.at_once import begin, of_hosts
from ictops.operations.image import (
    CAPTURE,
    as_data,
    named_servers,
    pc_work,
    refuse_without_mac,
)
from ictops.operations.images import Say, capture, new_version
from ictops.operations.planning import make_plan
from ictops.plans.model import Plan
from ictops.settings import Settings, make_private
from ictops.store.journal import Journal
from ictops.store.records import GOOD

PLAYBOOK = "image_capture.yml"
REASON = "a reference PC is captured"
BECOMES_VARIABLE = "ictops_becomes"
"""The extra var that says what image a captured PC becomes: whoever carries the run to its end
publishes it."""


@dataclass(frozen=True, slots=True)
class Becomes:
    """The image that a captured PC becomes.

    :ivar version: the next one where it is None.
    :ivar seed: by what system it is where it is None.
    :ivar as_wim: whether its Windows is kept file by file.
    """

    name: str
    version: str | None = None
    seed: Seed | None = None
    as_wim: bool = False


def begin_capture(
    journal: Journal, settings: Settings, host: str, image: Becomes, *, and_servers: bool = False
) -> str:
    """Write a run down that brings a PC's disk to this machine, and give its id.

    It waits for no window: a person has made this PC ready. Of the image's newest version, if
    there is one, the PC sends only what differs.

    :raises ImageError: if there can be no such version.
    :raises PlanError: if the host is not in the inventory, or is not to be captured.
    """
    folder = imaging_folder(settings)
    new_version(folder.store, image.name, image.version)
    there = [one for one in folder.store.versions() if one.name == image.name]
    request = of_hosts(settings, [host])
    servers = named_servers(settings, request, and_servers=and_servers)
    extra_vars = {
        "workstation_image_seeds": [as_data(folder.read(one).ref) for one in there[-1:]],
        BECOMES_VARIABLE: asdict(image),
    }
    title = f"capture of {host} as {image.name}"
    work = pc_work(settings, servers, CAPTURE, title, PLAYBOOK, extra_vars)
    plan = make_plan(settings, request, work).plan
    refuse_without_mac(settings, plan)
    make_private(folder.path / "captured")
    return begin(journal, plan, REASON)


def captured_folder(settings: Settings, run_id: str, host: str) -> Path:
    """Give where a run brings what it has captured of a host."""
    return imaging_folder(settings).path / "captured" / run_id / host


def publish_captured(
    journal: Journal, settings: Settings, run_id: str, say: Say
) -> Published | None:
    """Make a version of what a run has captured, and keep what it was made of no longer.

    :returns: None if the run has captured nothing, or it is published already.
    :raises ImageError: if it cannot be published; what was captured is then kept.
    """
    (host,) = journal.hosts(run_id)
    folder = captured_folder(settings, run_id, host.host)
    if host.outcome not in GOOD or not folder.exists():
        return None
    plan = Plan.model_validate_json(journal.run(run_id).plan)
    image = Becomes(**plan.extra_vars[BECOMES_VARIABLE])
    try:
        made = capture(
            settings, image.name, folder, version=image.version, seed=image.seed, say=say,
            wim=WimChoice() if image.as_wim else None,
        )  # fmt: skip
    except ImageError as error:
        kept = f"What was captured is kept: '{_by_hand(image, folder)}' publishes it"
        raise type(error)(
            error.what, where=error.where, do=f"{error.do}. {kept}" if error.do else kept
        ) from error
    shutil.rmtree(folder.parent)
    return made


def _by_hand(image: Becomes, folder: Path) -> str:
    words = ["ictops", "image", "capture", image.name, str(folder)]
    words += ["--version", image.version] if image.version else []
    words += ["--seed", image.seed] if image.seed else []
    words += ["--as-wim"] if image.as_wim else []
    return shlex.join(words)
