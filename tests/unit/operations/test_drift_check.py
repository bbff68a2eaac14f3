"""Which hosts a drift check is for, and what is said of the others."""

from __future__ import annotations

import pytest
import yaml

from ictops.errors import NoHosts
from ictops.operations.drift_check import begin_drift_check
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.journal import Journal

HOSTS = {"linux": ["oak-pc-01"], "windows": ["oak-pc-02", "oak-pc-03"]}


@pytest.fixture(autouse=True)
def school(settings: Settings) -> None:
    groups: dict[str, dict[str, object]] = {
        group: {"hosts": {host: {} for host in hosts}} for group, hosts in HOSTS.items()
    }
    groups["workstations"] = {"children": {group: {} for group in HOSTS}}
    site = {"vars": {"site_name": "Oak", "site_phase": "primary"}, "children": groups}
    settings.cluster_dir.mkdir(parents=True)
    (settings.cluster_dir / "oak.yml").write_text(
        yaml.safe_dump({"all": {"children": {"oak": site}}})
    )


def test_hosts_that_cannot_be_compared_are_told_of(journal: Journal, settings: Settings) -> None:
    begun = begin_drift_check(journal, settings)
    plan = Plan.model_validate_json(journal.run(begun.run_id).plan)
    assert list(plan.hosts) == HOSTS["linux"]
    (note,) = begun.notes
    assert note.startswith("2 hosts left out: this is for Linux hosts, switches, and hosts with an")


def test_a_check_of_none_that_can_be_compared_is_refused(
    journal: Journal, settings: Settings
) -> None:
    with pytest.raises(NoHosts, match="there is no host that this is for"):
        begin_drift_check(journal, settings, limit="oak-pc-02")
