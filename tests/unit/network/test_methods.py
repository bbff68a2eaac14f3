from __future__ import annotations

import pytest
from pydantic import ValidationError

from ictops.network.methods import MOST_MINUTES, Changing, Step
from ictops.network.platform import load_platform, platform_names

ARMED = {
    "arista_eos": ["commit timer"],
    "aruba_aoscx": ["checkpoint auto"],
    "cisco_ios": ["revert timer", "reload in"],
    "cisco_xe": ["revert timer", "reload in"],
    "hp_procurve": ["reload after"],
    "juniper_junos": ["commit confirmed"],
}


@pytest.mark.parametrize("name", platform_names())
def test_each_platform_has_its_dead_man_or_ictops_is_it(name: str) -> None:
    change = load_platform(name).change
    assert [one.name for one in change.tried()] == ARMED.get(name, ["emulated"])
    for method in change.tried():
        steps = [*method.arm, *(method.enter or ()), *(method.leave or ())]
        said = [step.say.format(minutes=7, name="ictops-x") for step in steps]
        assert method.emulated or any("7" in line for line in said), "nothing says how long"
        assert method.emulated or method.keep
        # What is not undone by a command of its own is undone by lines: there must be a way in.
        assert method.undo or change.enter or method.emulated
        # A reboot that is still to come would take a change back that was kept.
        assert not method.reboots or (method.disarm and method.keep[0].idle)


def test_arista_is_told_a_clock_time() -> None:
    (method,) = load_platform("arista_eos").change.tried()
    assert method.leave is not None
    said = [step.say.format(minutes=minutes, name="x") for step in method.leave
            for minutes in (5, MOST_MINUTES)]  # fmt: skip
    assert said == ["commit timer 00:05:00", "commit timer 00:59:00"]


def test_a_method_has_the_platforms_steps_where_it_has_none_of_its_own() -> None:
    change = Changing.model_validate(
        {
            "enter": ["configure"], "leave": ["end"],
            "methods": [{"name": "a"}, {"name": "b", "leave": [{"say": "commit {minutes}"}]}],
        }
    )  # fmt: skip
    one, two = change.tried()
    assert (one.enter, one.leave, one.abandon) == (change.enter, change.leave, change.leave)
    assert (two.enter, two.leave) == (change.enter, (Step(say="commit {minutes}"),))
    assert two.abandon == two.leave


@pytest.mark.parametrize(
    "wrong",
    [
        {"enter": ["configure {seconds}"]},
        {"enter": [{"say": "configure {"}]},
        {"enter": [{"say": "configure", "sees": "("}]},
        {"answers": [{"asks": "[", "say": "y"}]},
        {"colour": "blue"},
        {"methods": [{"arm": ["reload"]}]},
    ],
)
def test_what_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Changing.model_validate(wrong)
