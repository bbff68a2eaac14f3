"""Which tasks are done once for all hosts, and what each host is given."""

from __future__ import annotations

from typing import Any

import pytest
from ansible._internal._templating._engine import TemplateEngine
from ansible.inventory.host import Host
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import trust_as_template
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.together import (
    is_harmless,
    may_go_together,
    own_results,
)

OUTCOME = "ictops.schools.switch_outcome"
HOSTS = [Host("oak-sw-01"), Host("oak-sw-02"), Host("oak-sw-03")]
SHARED = {"switches": {"oak-sw-01": {"msg": "as it was"}, "oak-sw-02": {"failed": True}}}


def task(action: str, args: dict[str, Any], **keywords: Any) -> Task:
    loaded = Task()
    loaded.action = action
    loaded.args = args
    for name, value in keywords.items():
        setattr(loaded, name, value)
    return loaded


def hand_out(facts: dict[str, Any], outcomes: str = "{{ asked.switches }}") -> Any:
    templar = TemplateEngine(DataLoader(), {"asked": SHARED})
    given = task(OUTCOME, {"outcomes": trust_as_template(outcomes)})
    return own_results(given, HOSTS, facts, templar)


def test_a_text_and_a_result_need_nothing_of_their_hosts() -> None:
    assert may_go_together(task("ansible.builtin.debug", {"msg": "done"}))
    assert may_go_together(task(OUTCOME, {"outcomes": "{{ asked.switches }}"}))
    assert is_harmless(task("meta", {"_raw_params": "role_complete"}))


@pytest.mark.parametrize(
    "given",
    [
        task("ansible.builtin.debug", {"msg": "{{ inventory_hostname }}"}),
        task("ansible.builtin.debug", {"var": "inventory_hostname"}),
        task("ansible.builtin.debug", {"msg": "done", "verbosity": 1}),
        task("ansible.builtin.debug", {"msg": "done"}, when=["x"]),
        task("ansible.builtin.debug", {"msg": "done"}, register="said"),
        task("ansible.builtin.debug", {"msg": "done"}, delegate_to="localhost"),
        task("ansible.builtin.command", {"msg": "done"}),
    ],
    ids=lambda given: f"{given.action}-{'-'.join(given.args)}",
)
def test_others_are_left_to_ansible(given: Task) -> None:
    assert not may_go_together(given)


def test_what_was_registered_for_all_is_handed_out_to_those_that_did_not_fail() -> None:
    own = hand_out({host.name: {"asked": SHARED} for host in HOSTS})
    assert own("oak-sw-01") == {"msg": "as it was"}
    assert own("oak-sw-02") is None
    assert own("oak-sw-03") is None


def test_what_may_be_other_with_each_host_is_not() -> None:
    facts = {host.name: {"asked": dict(SHARED)} for host in HOSTS}
    assert hand_out(facts) is None
    assert hand_out({}) is None
    all_one = {host.name: {"asked": SHARED} for host in HOSTS}
    assert hand_out(all_one, "{{ asked[inventory_hostname] }}") is None
