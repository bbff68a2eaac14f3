"""The journal's tables. Times are UTC; a change here needs a migration beside it."""

from __future__ import annotations

from ictops.store.tables.alarms import alarm, alarm_told, delivery, notify_route
from ictops.store.tables.backups import (
    audit,
    backup_archive,
    backup_care,
    backup_set,
    backup_snapshot,
)
from ictops.store.tables.columns import UtcDateTime, Words, metadata
from ictops.store.tables.drift import drift_accepted, drift_check, drift_item, fingerprint
from ictops.store.tables.imaging import certificate, hardware, host_image
from ictops.store.tables.runs import (
    approval,
    claim,
    decision,
    event,
    run,
    run_host,
    run_site,
    shard,
)
from ictops.store.tables.schedules import schedule, slot, slot_fill

__all__ = [
    "UtcDateTime",
    "Words",
    "alarm",
    "alarm_told",
    "approval",
    "audit",
    "backup_archive",
    "backup_care",
    "backup_set",
    "backup_snapshot",
    "certificate",
    "claim",
    "decision",
    "delivery",
    "drift_accepted",
    "drift_check",
    "drift_item",
    "event",
    "fingerprint",
    "hardware",
    "host_image",
    "metadata",
    "notify_route",
    "run",
    "run_host",
    "run_site",
    "schedule",
    "shard",
    "slot",
    "slot_fill",
]
