"""Hosts whose image is not the newest that is published."""

from __future__ import annotations

from ictops.imaging.published import imaging_folder
from ictops.operations.drift_check import image_checks
from ictops.plans.model import Estimate, Plan, SitePlan, Wave
from ictops.settings import Settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HostImageRecord
from tests.support.journals import NOW, make_run
from tests.support.published import publish

HOSTS = ["pc-1", "pc-2", "pc-3", "pc-4"]


def test_an_older_image_is_drift_and_one_that_nobody_publishes_is_not_compared(
    journal: Journal, settings: Settings
) -> None:
    for version in ("2026.1", "2026.2"):
        publish(imaging_folder(settings), "classroom", version)
    has = {"pc-1": ("classroom", "2026.1"), "pc-2": ("classroom", "2026.2"), "pc-3": ("own", "1")}
    Inventory(journal).record_images(
        HostImageRecord("demo", host, *image, "ab" * 32, NOW) for host, image in has.items()
    )
    site = SitePlan(
        inventory="oak.yml", inventory_digest="i", timezone="UTC",
        waves=[Wave(name="all", hosts=HOSTS)],
    )  # fmt: skip
    plan = Plan(
        operation="drift-check", title="t", cluster="demo", made_at=NOW, made_by="ann",
        playbook="drift.yml", playbook_digest="p", roles_digest="r",
        estimate=Estimate(seconds=1, source="default"), sites={"oak": site},
    )  # fmt: skip
    run = journal.run(make_run(journal, HOSTS))
    found = {one.host: one for one in image_checks(journal, settings, plan, run)}
    assert {host: one.state for host, one in found.items()} == {"pc-1": "drift", "pc-2": "clean"}
    (differing,) = found["pc-1"].differing
    assert (differing.item, differing.text) == ("image classroom", "- 2026.1\n+ 2026.2")
