from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ictops.plans.model import Estimate, Gate, Plan, SitePlan, Wave, WindowSpan

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def plan() -> Plan:
    start = datetime(2026, 10, 26, 8, 0, tzinfo=LONDON)
    return Plan(
        operation="rollout",
        title="hello 2.10-3",
        cluster="demo",
        made_at=datetime(2026, 10, 1, 12, 0, 3, tzinfo=UTC),
        made_by="Anna B.",
        playbook="rollout.yml",
        playbook_digest="aa",
        roles_digest="bb",
        extra_vars={
            "software_packages": [{"name": "hello", "version": "2.10"}],
            "day": "2026-10-26",
        },
        gate=Gate(soak=timedelta(minutes=90), run_failures=3),
        estimate=Estimate(seconds=900, source="default"),
        sites={
            "oakfield": SitePlan(
                inventory="oakfield.yml",
                inventory_digest="cc",
                timezone="Europe/London",
                windows=[WindowSpan(start=start, end=start + timedelta(hours=9))],
                waves=[
                    Wave(name="canary", hosts=["ws-it1-01"]),
                    Wave(name="rest", hosts=[f"ws-it1-{n:02}" for n in range(2, 25)]),
                ],
            ),
            "no": SitePlan(inventory="no.yml", inventory_digest="dd", timezone="Europe/London"),
        },
    )
