"""The fast path: what roles declare, and what is known of clean hosts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import PlanError
from ictops.operations.drift_known import (
    DECLARATION,
    Declared,
    basis_of,
    declared_by,
    known_hosts,
    managed_in,
    write_known,
)
from ictops.plans.model import Estimate, Plan, SitePlan, Wave
from ictops.settings import Settings, content_dir
from ictops.store.fingerprints import Fingerprints
from ictops.store.journal import Journal
from ictops.store.records import FingerprintRecord
from tests.support.journals import NOW


def plan_of(**changed: Any) -> Plan:
    site = SitePlan(
        inventory="oak.yml", inventory_digest=changed.pop("inventory", "i"), timezone="UTC",
        waves=[Wave(name="all", hosts=["pc-1", "pc-2"])],
    )  # fmt: skip
    told = {"playbook_digest": "p", "roles_digest": "r"} | changed
    return Plan(
        operation="drift-check", title="t", cluster="demo", made_at=NOW, made_by="ann",
        playbook="drift.yml", estimate=Estimate(seconds=1, source="default"),
        sites={"oak": site}, **told,
    )  # fmt: skip


def taken(host: str, plan: Plan, days: int = 0) -> FingerprintRecord:
    basis = basis_of(plan, plan.sites["oak"])
    return FingerprintRecord("demo", host, basis, f"of {host}", NOW - timedelta(days=days))


def test_a_host_is_known_while_all_that_it_is_compared_by_is_the_same(
    journal: Journal, settings: Settings
) -> None:
    plan = plan_of()
    Fingerprints(journal).record([taken("pc-1", plan), taken("elsewhere", plan)])
    assert known_hosts(journal, settings, plan, NOW) == {"pc-1": "of pc-1"}
    for changed in ({"inventory": "j"}, {"playbook_digest": "q"}, {"roles_digest": "s"}):
        assert known_hosts(journal, settings, plan_of(**changed), NOW) == {}


def test_after_a_week_a_host_is_looked_at_whole(journal: Journal, settings: Settings) -> None:
    plan = plan_of()
    Fingerprints(journal).record([taken("pc-1", plan, days=8), taken("pc-2", plan, days=6)])
    assert known_hosts(journal, settings, plan, NOW) == {"pc-2": "of pc-2"}


def test_the_newest_fingerprint_of_a_host_stays(journal: Journal) -> None:
    plan = plan_of()
    prints = Fingerprints(journal)
    prints.record([taken("pc-1", plan, days=1)])
    prints.record([taken("pc-1", plan), taken("pc-1", plan, days=2)])
    assert [one.taken_at for one in prints.since("demo", NOW - timedelta(days=9))] == [NOW]


def test_what_is_known_is_for_its_owner_alone(settings: Settings) -> None:
    path = write_known(settings, Declared({"files": ["/etc/motd"]}), {"pc-1": "f"})
    assert json.loads(path.read_text()) == {
        "declared": {"files": ["/etc/motd"]}, "hosts": {"pc-1": "f"},
    }  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_role_of_what_hosts_are_compared_with_declares_what_it_manages(
    settings: Settings,
) -> None:
    declared = declared_by(settings, "site.yml")
    assert declared.missing == ()
    assert {"/etc/hostname", "/etc/fstab", "/etc/sudoers"} <= set(declared.parts["files"])
    for file in content_dir().glob(f"roles/*/{DECLARATION}"):
        managed_in(file)


def test_without_a_declaration_no_host_can_be_passed_over(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "roles" / "printers" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "printers" / "tasks" / "main.yml").write_text("[]\n")
    playbook = tmp_path / "ours.yml"
    playbook.write_text(
        "- hosts: all\n  roles: [printers, baseline]\n- hosts: all\n  tasks: [{debug: {}}]\n"
    )
    assert declared_by(settings, str(playbook)).missing == (
        "a play of ours.yml has tasks of its own", "role printers has no meta/managed.yml",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["registry: [a]", "files: /etc/motd", "[", "packages: some"])
def test_a_declaration_that_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "managed.yml"
    file.write_text(text)
    with pytest.raises(PlanError) as raised:
        managed_in(file)
    assert raised.value.where == str(file)
