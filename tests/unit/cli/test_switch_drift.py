"""``ictops switch drift``, as if the role had said this or that of the demo's switches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ictops.operations import carry
from ictops.plans.model import Plan
from ictops.running.course import Notice
from ictops.settings import content_dir
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from tests.support.compared import CLEAN, VLAN, carried, compared, failed, unreachable
from tests.support.journals import NOW
from tests.unit.cli.conftest import Typed

ONE, OTHER = "oak-sw-01", "oak-sw-02"
DRIFT = ("switch", "drift", "--site", "oakfield", "--limit", f"{ONE},{OTHER}")
SayOf = Callable[..., None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> SayOf:
    """Have the next run come to this instead of asking switches."""

    def tell(said: Mapping[str, Any], ending: str = "finished") -> None:
        def fake(journal: Journal, run_id: str, *_: object, **more: Any) -> None:
            carried(journal, run_id, said, NOW, ending)
            for host in journal.hosts(run_id):
                more["notice"](Notice(host.site, "host", "", host.host, host.outcome or ""))

        monkeypatch.setattr(carry, "carry", fake)

    return tell


def test_the_same_drift_of_two_switches_is_one_line(typed: Typed, say: SayOf) -> None:
    say({ONE: VLAN, OTHER: VLAN})
    said = typed(*DRIFT, code=9).out
    assert "\n2 drift\n" in said
    assert said.count(" compared ") == 2
    assert "changed" not in said
    assert said.count("running vs intended: oak-sw-01, oak-sw-02, since Mon 26 Oct 2026") == 1
    assert said.count("\n  + vlan 20\n") == 1


def test_a_long_difference_is_shown_in_part_and_all_of_it_in_json(typed: Typed, say: SayOf) -> None:
    say({ONE: compared([f"+ vlan {n}" for n in range(100, 140)], []), OTHER: CLEAN})
    said = typed(*DRIFT, code=9).out
    assert "\n1 clean, 1 drift\n" in said
    assert "+ vlan 111" in said
    assert "+ vlan 112" not in said
    assert "… 28 more lines (--json has all)" in said
    found = json.loads(typed(*DRIFT, "--json", code=9).out)
    assert found["counts"] == {"clean": 1, "drift": 1, "unreachable": 0, "error": 0}
    (group,) = found["groups"]
    assert (group["hosts"], len(group["text"].splitlines())) == ([ONE], 40)
    assert group["since"].startswith("2026-10-26T09:00:00")
    assert {one["host"]: one["state"] for one in found["hosts"]} == {ONE: "drift", OTHER: "clean"}


@pytest.mark.parametrize(
    ("said", "ending", "code", "told"),
    [
        ({ONE: CLEAN, OTHER: CLEAN}, "finished", 0, "2 clean"),
        ({ONE: VLAN, OTHER: failed("no such user")}, "finished", 9, "1 drift, 1 error"),
        ({ONE: VLAN, OTHER: unreachable("off")}, "finished", 9, "1 drift, 1 unreachable"),
        ({ONE: failed("a"), OTHER: unreachable("b")}, "finished", 4, "1 unreachable, 1 error"),
        ({ONE: CLEAN, OTHER: None}, "finished", 4, "1 clean, 1 error"),
        ({ONE: CLEAN, OTHER: unreachable("off")}, "finished", 5, "1 clean, 1 unreachable"),
        ({ONE: CLEAN}, "finished", 5, "1 clean, 1 not checked"),
        ({ONE: VLAN}, "paused", 8, "1 drift, 1 not checked"),
    ],
)
def test_a_script_can_tell_what_it_came_to(
    typed: Typed, say: SayOf, said: Mapping[str, Any], ending: str, code: int, told: str
) -> None:
    say(said, ending)
    assert f"\n{told}\n" in typed(*DRIFT, code=code).out


def test_who_was_not_looked_at_is_named_with_the_reason(typed: Typed, say: SayOf) -> None:
    say({ONE: unreachable("it does not answer")})
    said = typed(*DRIFT, code=5).out
    assert "oak-sw-01 unreachable since Mon 26 Oct 2026" in said
    assert "it does not answer" in said
    assert "not checked: oak-sw-02" in said


def test_the_same_error_of_two_switches_is_one_line(typed: Typed, say: SayOf) -> None:
    say({ONE: failed(f"{ONE}: no vault\nat line 1"), OTHER: failed(f"{OTHER}: no vault\nat 2")})
    said = typed(*DRIFT, code=4).out
    (line,) = [line for line in said.splitlines() if "no vault" in line and line.startswith("oak")]
    assert line.startswith("oak-sw-01, oak-sw-02 error since Mon 26 Oct 2026")
    assert line.endswith(": Configure this switch: <host>: no vault")
    told = json.loads(typed(*DRIFT, "--json", code=4).out)
    assert "at line 1" in told["hosts"][0]["message"]


def test_what_a_resumed_run_finds_is_kept_too(typed: Typed, say: SayOf, cluster: Path) -> None:
    say({ONE: VLAN}, "paused")
    line = typed(*DRIFT, "--json", code=8).out
    say({OTHER: VLAN})
    typed("run", "resume", json.loads(line)["run"], code=0)
    journal = Journal.open(f"sqlite:///{cluster.parents[1]}/state/journal.db")
    assert [one.host for one in Drifts(journal).found("demo")] == [ONE, OTHER]
    journal.close()


def test_no_word_of_a_switch_acts_on_the_terminal(typed: Typed, say: SayOf) -> None:
    say({ONE: compared(["+ name \x1b[2J[red]a[/red]"], []), OTHER: CLEAN})
    said = typed(*DRIFT, code=9).out
    assert "\x1b" not in said
    assert "[red]a[/red]" in said


def test_no_switch_is_told(typed: Typed) -> None:
    assert "switches" in typed("switch", "drift", "--limit", "oak-it1-01", code=3).err


def test_the_run_can_change_nothing(typed: Typed, say: SayOf, cluster: Path) -> None:
    say({ONE: CLEAN, OTHER: CLEAN})
    found = json.loads(typed(*DRIFT, "--json", code=0).out)
    journal = Journal.open(f"sqlite:///{cluster.parents[1]}/state/journal.db")
    run = journal.run(found["run"])
    journal.close()
    plan = Plan.model_validate_json(run.plan)
    assert run.operation == "switch-drift"
    plays = yaml.safe_load((content_dir() / "playbooks" / plan.playbook).read_text())
    assert [play["check_mode"] for play in plays] == [True]
