"""What is left to do of a run once it is over, whoever carried it to its end."""

from __future__ import annotations

from collections.abc import Callable

from ictops.errors import InventoryError
from ictops.imaging.images.publish import Published
from ictops.operations.certificate import record_certificates
from ictops.operations.drift import OPERATION as SWITCH_DRIFT
from ictops.operations.drift import finish_switch_drift
from ictops.operations.drift_check import CHECK as DRIFT_CHECK
from ictops.operations.drift_check import finish_drift_check
from ictops.operations.hardware import SURVEY, record_hardware
from ictops.operations.image import CAPTURE, ERASE, HEAL, IMAGE
from ictops.operations.image_cancel import take_back
from ictops.operations.image_capture import publish_captured
from ictops.operations.planning import open_cluster
from ictops.operations.switch_config import CHANGES, finish_change
from ictops.operations.switches import BACKUP as SWITCH_BACKUP
from ictops.operations.switches import finish_backup
from ictops.settings import Settings
from ictops.store.journal import Journal


def finish(
    journal: Journal,
    settings: Settings,
    run_id: str,
    say: Callable[[str], None] = lambda _said: None,
) -> Published | None:
    """Keep what a run brought; to do it again changes nothing.

    For whoever carries on runs that others began, and shows nothing of what they are about.

    :param say: told how far it is, where it takes long.
    :returns: the image that a captured PC has become.
    :raises RunError: if there is no such run.
    :raises ImageError: if what was captured cannot be published; it is kept then.
    :raises SwitchError: if a backup cannot be committed.
    """
    run = journal.run(run_id)
    if run.operation == SWITCH_DRIFT:
        finish_switch_drift(journal, run_id)
    elif run.operation == DRIFT_CHECK:
        finish_drift_check(journal, settings.of_cluster(run.cluster), run_id)
    elif run.operation == SWITCH_BACKUP:
        finish_backup(journal, settings.of_cluster(run.cluster), run_id)
    elif run.operation in {IMAGE, ERASE, HEAL, CAPTURE, SURVEY}:
        record_hardware(journal, run)
        if run.operation == ERASE:
            record_certificates(journal, run, _schools(settings.of_cluster(run.cluster)))
        take_back(journal, settings, run_id)
        if run.operation == CAPTURE:
            return publish_captured(journal, settings, run_id, say)
    elif run.operation in CHANGES:
        finish_change(settings.of_cluster(run.cluster), run)
    return None


def _schools(settings: Settings) -> dict[str, str]:
    """Give the schools' names by their sites' codes, as far as the inventory can be read."""
    try:
        return {site.code: site.name for site in open_cluster(settings).sites.values()}
    except InventoryError:
        return {}  # a certificate then calls a school by its code
