"""What a person writes on the command line: packages, versions and extra vars."""

from __future__ import annotations

import hashlib
import subprocess

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


COMMIT = "9f" * 32


def test_a_flatpak_at_a_commit_or_a_branch():
    found = parse_software(
        [
            f"flathub:org.gimp.GIMP={COMMIT}",
            f"flathub:org.a.B//beta={COMMIT}",
            "school:org.c.D=24.08",
        ]
    )
    assert [one.as_item() for one in found] == [
        {"name": "org.gimp.GIMP", "version": COMMIT, "flatpak": "flathub"},
        {"name": "org.a.B", "version": COMMIT, "flatpak": "flathub", "branch": "beta"},
        {"name": "org.c.D", "version": "24.08", "flatpak": "school"},
    ]
    assert [one.title for one in found] == [
        "org.gimp.GIMP 9f9f9f9f9f9f",
        "org.a.B 9f9f9f9f9f9f",
        "org.c.D 24.08",
    ]


def test_a_package_file_says_itself_what_it_holds(tmp_path, monkeypatch):
    control = tmp_path / "tree" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: tool\nVersion: 1:1.2-3\nArchitecture: all\nMaintainer: t <t@example.invalid>\n"
        "Description: a tool\n"
    )
    subprocess.run(
        ["dpkg-deb", "--build", str(tmp_path / "tree"), str(tmp_path / "t.deb")],
        check=True,
        capture_output=True,
    )
    monkeypatch.chdir(tmp_path)
    (found,) = parse_software(["./t.deb"])
    digest = hashlib.sha256((tmp_path / "t.deb").read_bytes()).hexdigest()
    assert found == Software("tool", "1:1.2-3", deb=str(tmp_path / "t.deb"), sha256=digest)


def test_a_file_that_is_no_package(tmp_path):
    (tmp_path / "t.deb").write_text("no package")
    with pytest.raises(PlanError, match="no Debian package: dpkg-deb"):
        parse_software([str(tmp_path / "t.deb")])
    with pytest.raises(PlanError, match="no such package file"):
        parse_software([str(tmp_path / "nowhere.deb")])


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
        (["flathub:gimp=stable"], "no flatpak remote with an application"),
        ([f"flathub:org.gimp={COMMIT}"], "no flatpak remote with an application"),
        ([f"-x:org.gimp.GIMP={COMMIT}"], "no flatpak remote with an application"),
        ([f":org.gimp.GIMP={COMMIT}"], "no flatpak remote with an application"),
        (["flathub:org.gimp.GIMP"], "NAME=VERSION"),
        (["flathub:org.gimp.GIMP=9f9f9f9f9f9f"], "neither a commit nor a branch"),
        (["flathub:org.gimp.GIMP=-x"], "neither a commit nor a branch"),
        (["flathub:org.gimp.GIMP//beta=stable"], "neither a commit nor a branch"),
        ([f"flathub:org.gimp.GIMP//={COMMIT}"], "no branch of a flatpak"),
        ([f"flathub:org.gimp.GIMP/x86_64/beta={COMMIT}"], "no flatpak remote"),
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
