"""What is wrong with a site's variables is said in their own words, with the line."""

from __future__ import annotations

import re
import textwrap
from datetime import date
from pathlib import Path

import pytest
import yaml

from ictops.calendars.rules import SiteRules
from ictops.errors import CalendarError
from ictops.estate.models import Site
from ictops.settings import content_dir


def site(variables: dict[str, object]) -> Site:
    places = {name: f"group_vars/site_alpha.yml:{n}" for n, name in enumerate(variables, 1)}
    return Site("alpha", "Alpha", "", "Europe/London", "council", Path("alpha.yml"), "", 0,
                variables, places)  # fmt: skip


FREEZE = {"name": "SATs", "start": "2027-05-10", "end": "2027-05-13"}


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("site_inset_days", "2026-09-01", "variable site_inset_days: "),
        ("site_inset_days", ["2026-02-30"], "item 1: '2026-02-30' is no date like 2026-10-26"),
        ("site_inset_days", [date(2026, 9, 1), 1788300000], "item 2: '1788300000' is no"),
        ("site_inset_days", ["01/09/2026"], "'01/09/2026' is no date"),
        ("site_freezes", [FREEZE | {"end": "2027-05-01"}], "item 1: 'SATs' ends before it starts"),
        ("site_freezes", [FREEZE | {"until": "x"}], "item 1: 'until' is no word for this"),
        ("site_freezes", [FREEZE, {"name": "x", "start": "2027-05-10"}], "2: 'end' is missing"),
        ("site_freezes", "«vault»", "variable site_freezes: "),
        ("site_working_hours", {"monday": "8-17"}, "monday: '8-17' is not hours like 08:00-17:00"),
        ("site_working_hours", {"monday": "17:00-08:00"}, "'17:00-08:00' ends before it starts"),
        ("site_working_hours", {"montag": "08:00-17:00"}, "variable site_working_hours, montag: "),
        ("site_change_hours", {"holiday": ["24:00-08:00"]}, "'24:00-08:00' is not hours"),
        ("site_change_hours", {"holidays": []}, "'holidays' is no word for this"),
        ("site_bank_holidays", "GB", "variable site_bank_holidays: "),
        ("site_freeze", [FREEZE], "there is no variable site_freeze: did you mean site_freezes?"),
        ("site_inset_day", [], "did you mean site_inset_days?"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named(name: str, value: object, what: str) -> None:
    with pytest.raises(CalendarError) as caught:
        SiteRules.of(site({"site_name": "Alpha", name: value}))
    assert what in caught.value.what
    assert caught.value.where == "group_vars/site_alpha.yml:2"
    assert "docs/calendars.md" in caught.value.do


def test_every_wrong_variable_is_found() -> None:
    faults = SiteRules.faults(
        site({"site_inset_days": ["x"], "site_freezes": [{}], "site_freezs": [], "site_motto": "x"})
    )
    assert len(faults) == 5  # a date, three words of a freeze, and a name; a motto is the site's


def test_weekdays_that_are_left_out_have_the_usual_hours() -> None:
    rules = SiteRules.of(
        site({"site_working_hours": {"friday": "08:00-13:00", "monday": "closed"}})
    )
    assert [rules.working_hours(day) for day in range(7)] == [
        None, (450, 1050), (450, 1050), (450, 1050), (480, 780), None, None,
    ]  # fmt: skip
    assert rules.change_hours("school day", 4) == ((0, 480), (780, 1440))
    assert rules.change_hours("inset", 0) == rules.change_hours("unknown", 0) == ((0, 1440),)
    assert rules.change_hours("weekend", 5) == rules.change_hours("bank holiday", 1)


def test_the_examples_of_the_documentation_are_right() -> None:
    text = (content_dir() / "docs" / "calendars.md").read_text()
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    examples = [textwrap.dedent(block) for block in blocks if block.startswith("    site_")]
    variables: dict[str, object] = {}
    for example in examples:
        variables |= yaml.safe_load(example)
    assert SiteRules.faults(site(variables)) == []
    assert set(SiteRules.model_fields) - variables.keys() == {"site_bank_holidays"}
