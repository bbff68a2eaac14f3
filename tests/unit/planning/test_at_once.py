"""Runs that only look: all hosts at the same time, whatever becomes of one."""

from __future__ import annotations

from ictops.operations.hardware import begin_survey
from ictops.plans.model import Plan
from ictops.settings import load_settings
from ictops.store.journal import Journal
from tests.unit.planning.test_plan_image import workspace

__all__ = ["workspace"]  # a fixture


def test_a_canary_that_is_off_keeps_nobody_from_being_looked_at(workspace):
    settings = load_settings()
    journal = Journal.open(settings.journal_url)
    run = journal.run(begin_survey(journal, settings, sites=("oakfield",)))
    journal.close()
    plan = Plan.model_validate_json(run.plan)
    (wave,) = plan.sites["oakfield"].waves
    assert "oak-it1-01" in wave.hosts, "it is the site's canary"
    assert len(wave.hosts) > 1
    assert (plan.gate.site_failures, plan.gate.run_failures) == ("100%", "100%")
    assert run.now_reason
