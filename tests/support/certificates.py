"""A certificate with two disks, to be changed by what a test is about."""

from __future__ import annotations

from dataclasses import replace

from ictops.imaging.wire.said import Erased
from ictops.operations.certificate import Approved, Certificate

SSD = Erased(
    serial="S4EVNF0M", model="Samsung SSD 970 EVO Plus 500GB", size=500_107_862_016,
    method="purge: NVMe sanitize, block erase", erased=True, verified=102, changed=71,
    began="2026-10-26T09:00:00+00:00", ended="2026-10-26T09:02:10+00:00",
    tool="nvme version 2.3 (git 2.3)",
)  # fmt: skip
HDD = Erased(
    serial="WD-WCC7K1234567", model="WDC WD10EZEX", size=1_000_204_886_016,
    method="clear: overwritten once with zeros, and all of it read back", erased=True,
    verified=102, changed=12,
    began="2026-10-26T09:02:10+00:00", ended="2026-10-26T12:40:00+00:00",
)  # fmt: skip
FROZEN = replace(
    SSD, serial="FROZEN-1", method="", erased=False, verified=0, changed=0, tool="",
    fault="the firmware of this PC has frozen the drive's security commands",
)  # fmt: skip
JOB = "12345678-0000-0000-0000-000000000001"


def certificate(*disks: Erased, **more: object) -> Certificate:
    made = Certificate(
        ictops_certificate=1, ictops="0.1.0", cluster="demo", site="oakfield",
        school="Oakfield Primary School", host="oak-pc-07", vendor="Dell Inc.",
        model="OptiPlex 7010", serial="5XK2J3", macs=("52:54:00:00:00:07",),
        uuid="4c4c4544-0058-4b10-8032-b5c04f4a3358", job=JOB, run="abc23", plan="d" * 64,
        planned_by="ann", planned_at="2026-10-20T08:00:00+00:00",
        approved=(Approved("bob", "2026-10-21T08:00:00+00:00"),),
        named=tuple(disk.serial for disk in disks), disks=disks, notes=(), message="",
        ended="2026-10-26T12:40:05+00:00",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]
