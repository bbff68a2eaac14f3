"""What a person writes on the command line: packages, versions and extra vars."""

from __future__ import annotations

import pytest

from ictops.errors import PlanError
from ictops.operations.playbook import parse_extra_vars
from ictops.operations.rollout import Software, parse_software
from ictops.plans.templates import refuse_templates


def test_packages_at_versions():
    assert parse_software(["gimp=2.10.34-1", "libreoffice=1:24.2.7-1~bpo12+1"]) == [
        Software("gimp", "2.10.34-1"),
        Software("libreoffice", "1:24.2.7-1~bpo12+1"),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gimp"], "NAME=VERSION"),
        (["gimp="], "NAME=VERSION"),
        (["=1"], "no package name"),
        (["Gimp=1"], "no package name"),
        (["-o=1"], "no package name"),
        (["gimp;id=1"], "no package name"),
        (["gimp=1 2"], "no Debian version"),
        (["gimp=latest"], "no Debian version"),
        (["gimp=1.2*"], "no Debian version"),
        (["gimp={{1}}"], "no Debian version"),
        (["gimp=1\n"], "no Debian version"),
        (["gimp=1", "gimp=2"], "named twice"),
    ],
)
def test_what_is_no_package_or_version(words, says):
    with pytest.raises(PlanError, match=says):
        parse_software(words)


def test_extra_vars_in_each_form(tmp_path):
    file = tmp_path / "vars.yml"
    file.write_text("port: 80\nday: 2026-10-26\n")
    assert parse_extra_vars(["a=1 b=two", f"@{file}", '{"port": 8080, "on": true}']) == {
        "a": "1",
        "b": "two",
        "port": 8080,
        "day": "2026-10-26",
        "on": True,
    }


@pytest.mark.parametrize("word", ["a", "a b=1", "1a=2", "[1]", "{1: 2}", "{", "@nowhere.yml"])
def test_what_is_no_extra_var(word):
    with pytest.raises(PlanError):
        parse_extra_vars([word])


@pytest.mark.parametrize("mark", ["{{", "{%", "{#"])
def test_templates_are_refused_wherever_they_hide(mark):
    for value in ({"a": f"x {mark}"}, {"a": [{"b": mark}]}, {"a": {mark: 1}}):
        with pytest.raises(PlanError, match="would run on this machine"):
            refuse_templates(value)
