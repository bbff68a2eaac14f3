"""What is left to do of a run once it is over, whoever carried it to its end."""

from __future__ import annotations

from collections.abc import Callable

from ictops.errors import InventoryError
from ictops.imaging.images.publish import Published
from ictops.operations.backup import BACKUP, finish_backup
from ictops.operations.backup_care import (
    CHECK,
    COPY,
    PRUNE,
    finish_check,
    finish_copy,
    finish_list,
    finish_prune,
)
from ictops.operations.backup_drill import DRILL, finish_drill
from ictops.operations.backup_find import LIST
from ictops.operations.backup_leavers import ARCHIVE, DELETE, finish_archive, finish_delete
from ictops.operations.backup_restore import RESTORE as BACKUP_RESTORE
from ictops.operations.backup_restore import finish_restore
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
from ictops.operations.switch_config import CONFIG, RESTORE, finish_change
from ictops.operations.switches import BACKUP as SWITCH_BACKUP
from ictops.operations.switches import finish_backup as finish_switch_backup
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import RunRecord

Say = Callable[[str], None]
Finish = Callable[[Journal, Settings, RunRecord, Say], Published | None]
"""Keeps what a run brought; the settings are those of the run's cluster."""


def finish(
    journal: Journal,
    settings: Settings,
    run_id: str,
    say: Say = lambda _said: None,
) -> Published | None:
    """Keep what a run brought; to do it again changes nothing.

    For whoever carries on runs that others began, and shows nothing of what they are about.

    :param say: told how far it is, where it takes long.
    :returns: the image that a captured PC has become.
    :raises RunError: if there is no such run.
    :raises ImageError: if what was captured cannot be published; it is kept then.
    :raises SwitchError: if a backup of switches cannot be committed.
    """
    run = journal.run(run_id)
    keep = FINISHES.get(run.operation)
    if keep is None:
        return None
    return keep(journal, settings.of_cluster(run.cluster), run, say)


def _drift_check(journal: Journal, settings: Settings, run: RunRecord, _say: Say) -> None:
    finish_drift_check(journal, settings, run.id)


def _switch_backup(journal: Journal, settings: Settings, run: RunRecord, _say: Say) -> None:
    finish_switch_backup(journal, settings, run.id)


def _switch_change(_journal: Journal, settings: Settings, run: RunRecord, _say: Say) -> None:
    finish_change(settings, run)


def _survey(journal: Journal, _settings: Settings, run: RunRecord, _say: Say) -> None:
    record_hardware(journal, run)


def _imaged(journal: Journal, settings: Settings, run: RunRecord, _say: Say) -> None:
    record_hardware(journal, run)
    take_back(journal, settings, run.id)


def _erased(journal: Journal, settings: Settings, run: RunRecord, _say: Say) -> None:
    record_hardware(journal, run)
    record_certificates(journal, run, _schools(settings))
    take_back(journal, settings, run.id)


def _captured(journal: Journal, settings: Settings, run: RunRecord, say: Say) -> Published | None:
    _imaged(journal, settings, run, say)
    return publish_captured(journal, settings, run.id, say)


def finish_cancelled(journal: Journal, settings: Settings, run_id: str) -> None:
    """Keep what a run brought before it was cancelled, and take its jobs back.

    :raises RunError: if there is no such run, or its jobs cannot be taken back.
    """
    if journal.run(run_id).operation in ALSO_CANCELLED:
        finish(journal, settings, run_id)
    take_back(journal, settings, run_id)


def _by_journal(record: Callable[[Journal, str], object]) -> Finish:
    """Give what needs only the journal and the run's id."""

    def keep(journal: Journal, _settings: Settings, run: RunRecord, _say: Say) -> None:
        record(journal, run.id)

    return keep


FINISHES: dict[str, Finish] = {
    SWITCH_DRIFT: _by_journal(finish_switch_drift),
    DRIFT_CHECK: _drift_check,
    SWITCH_BACKUP: _switch_backup,
    CONFIG: _switch_change,
    RESTORE: _switch_change,
    SURVEY: _survey,
    IMAGE: _imaged,
    HEAL: _imaged,
    ERASE: _erased,
    CAPTURE: _captured,
    BACKUP: _by_journal(finish_backup),
    DRILL.operation: _by_journal(finish_drill),
    CHECK.operation: _by_journal(finish_check),
    PRUNE.operation: _by_journal(finish_prune),
    COPY.operation: _by_journal(finish_copy),
    LIST.operation: _by_journal(finish_list),
    BACKUP_RESTORE: _by_journal(finish_restore),
    ARCHIVE: _by_journal(finish_archive),
    DELETE: _by_journal(finish_delete),
}
"""By operation, what keeps what its runs brought."""

ALSO_CANCELLED = frozenset({BACKUP, BACKUP_RESTORE, ARCHIVE, DELETE})
"""Operations of which also a run that was cancelled may have done what must be told."""


def _schools(settings: Settings) -> dict[str, str]:
    """Give the schools' names by their sites' codes, as far as the inventory can be read."""
    try:
        return {site.code: site.name for site in open_cluster(settings).sites.values()}
    except InventoryError:
        return {}  # a certificate then calls a school by its code
