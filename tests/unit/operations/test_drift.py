"""Drift of switches: from what the role said to groups of the same difference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.errors import RunError
from ictops.operations.compare import results_of
from ictops.operations.drift import (
    INTENDED,
    STORED,
    differing_of,
    finish_switch_drift,
    groups_of,
)
from ictops.running.messages import CUT
from ictops.store.journal import Journal
from ictops.store.records import DriftRecord
from tests.support.compared import CLEAN, VLAN, carried, compared, failed, unreachable
from tests.support.journals import NOW, make_run


def run_of(journal: Journal, *, night: int = 0, **said: Mapping[str, Any] | None) -> str:
    """Write down a run as if the role had said this of each switch."""
    run = make_run(journal, list(said))
    carried(journal, run, said, NOW + timedelta(days=night))
    return run


def test_each_switch_is_one_of_four(journal: Journal) -> None:
    run = run_of(journal, a=CLEAN, b=VLAN, c=unreachable("it is off"), d=failed("no such user"))
    found = finish_switch_drift(journal, run)
    assert found.counts == {"clean": 1, "drift": 1, "unreachable": 1, "error": 1}
    assert {one.host: (one.state, one.message) for one in found.hosts} == {
        "a": ("clean", ""), "b": ("drift", ""),
        "c": ("unreachable", "Configure this switch: it is off"),
        "d": ("error", "Configure this switch: no such user"),
    }  # fmt: skip
    assert [(group.item, group.hosts, group.text) for group in found.groups] == [
        (INTENDED, ("b",), "+ vlan 20")
    ]
    assert found.not_checked == []


def test_a_comparison_holds_what_the_role_said(journal: Journal) -> None:
    said = compared(["- a", "+ b"], ["no a", "b"], unsaved=["+ c"])
    one = results_of(journal, run_of(journal, sw=said))["sw"]
    assert (one.state, one.difference, one.commands) == ("drift", ("- a", "+ b"), ("no a", "b"))
    assert (one.unsaved, one.unsaved_difference) == (True, ("+ c",))
    with pytest.raises(RunError, match="no such run"):
        results_of(journal, "nosuch")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, "told nothing"),
        ({"changed": False}, "told nothing"),
        ({"difference": "text"}, "cannot be read: difference"),
        ({"difference": [], "unsaved": {}}, "cannot be read: unsaved"),
    ],
)
def test_nothing_is_clean_for_want_of_words(
    journal: Journal, said: Mapping[str, Any] | None, message: str
) -> None:
    one = results_of(journal, run_of(journal, sw=said))["sw"]
    assert one.state == "error"
    assert message in one.message


def test_what_is_not_stored_is_drift_of_its_own(journal: Journal) -> None:
    both = compared(["+ vlan 20"], ["vlan 20"], unsaved=["+ vlan 20"])
    unsaved = compared([], [], unsaved=[])
    found = finish_switch_drift(journal, run_of(journal, a=both, b=unsaved))
    assert [(group.item, group.hosts, group.text) for group in found.groups] == [
        (INTENDED, ("a",), "+ vlan 20"), (STORED, ("a",), "+ vlan 20"), (STORED, ("b",), ""),
    ]  # fmt: skip


def test_commands_alone_are_drift(journal: Journal) -> None:
    found = finish_switch_drift(journal, run_of(journal, a=compared([], ["vlan 20"])))
    assert [group.text for group in found.groups] == ["vlan 20"]


def test_a_host_that_was_not_begun_is_none_of_the_four(journal: Journal) -> None:
    run = make_run(journal, ["a", "b"])
    carried(journal, run, {"a": CLEAN}, NOW)
    found = finish_switch_drift(journal, run)
    assert (found.not_checked, sum(found.counts.values())) == (["b"], 1)


def test_the_beginning_outlives_a_night_in_which_it_was_off(journal: Journal) -> None:
    finish_switch_drift(journal, run_of(journal, a=VLAN, b=CLEAN))
    finish_switch_drift(journal, run_of(journal, night=1, a=unreachable("it is off"), b=VLAN))
    found = finish_switch_drift(journal, run_of(journal, night=2, a=VLAN, b=VLAN))
    (group,) = found.groups
    assert group.hosts == ("a", "b")
    assert (group.since, group.last_since) == (NOW, NOW + timedelta(days=1))
    assert [one.since for one in found.hosts] == [NOW + timedelta(days=n) for n in (2, 1)]


def test_only_hosts_of_the_run_are_told_of(journal: Journal) -> None:
    finish_switch_drift(journal, run_of(journal, a=VLAN))
    found = finish_switch_drift(journal, run_of(journal, night=1, b=CLEAN))
    assert (found.groups, [one.host for one in found.hosts]) == ([], ["b"])


def test_to_tell_of_a_run_twice_changes_nothing(journal: Journal) -> None:
    run = run_of(journal, a=VLAN, b=CLEAN)
    assert finish_switch_drift(journal, run) == finish_switch_drift(journal, run)


def test_its_own_name_keeps_no_two_apart() -> None:
    one = differing_of("oak-sw-01", INTENDED, ["- hostname Switch", "+ hostname oak-sw-01"])
    other = differing_of("elm-sw-07", INTENDED, ["- hostname Switch", "+ hostname elm-sw-07"])
    assert one == other
    assert one.text == "- hostname Switch\n+ hostname <host>"


@pytest.mark.parametrize(
    "line", ["+ name oak-sw-011", "+ name x.oak-sw-01", "+ name OAK-SW-01", "+ name oak-sw-01-b"]
)
def test_a_name_that_only_looks_like_its_own_stays(line: str) -> None:
    assert differing_of("oak-sw-01", INTENDED, [line]).text == line


def test_of_what_was_cut_nobody_knows_whether_it_is_the_same() -> None:
    one, other = (differing_of(host, INTENDED, ["+ vlan 20", CUT]) for host in ("a", "b"))
    assert one.digest != other.digest
    assert one == differing_of("a", INTENDED, ["+ vlan 20", CUT])


RECORDS = st.builds(
    DriftRecord,
    cluster=st.just("demo"),
    host=st.sampled_from([f"sw-{number}" for number in range(8)]),
    kind=st.just("switch"),
    item=st.sampled_from([INTENDED, STORED]),
    digest=st.sampled_from("abc"),
    text=st.just("+ vlan 20"),
    since=st.integers(0, 9).map(lambda day: NOW + timedelta(days=day)),
    seen_at=st.just(NOW),
    ended_at=st.none(),
)


@given(st.lists(RECORDS, unique_by=lambda one: (one.host, one.item)))
def test_groups_part_the_differences(found: list[DriftRecord]) -> None:
    """Each difference is in one group, and those of one group are the same."""
    groups = groups_of(found)
    told = [(host, group.item) for group in groups for host in group.hosts]
    assert sorted(told) == sorted((one.host, one.item) for one in found)
    digests = {(one.host, one.item): one.digest for one in found}
    of_group = [{digests[host, group.item] for host in group.hosts} for group in groups]
    assert all(len(digests_of_it) == 1 for digests_of_it in of_group)
    keys = [(group.item, *of) for group, of in zip(groups, of_group, strict=True)]
    assert len(keys) == len(set(keys)), "no difference is told twice"
    sizes = [len(group.hosts) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    for group in groups:
        since = [one.since for one in found if one.host in group.hosts and one.item == group.item]
        assert (group.since, group.last_since) == (min(since), max(since))
    assert groups_of(reversed(found)) == groups
