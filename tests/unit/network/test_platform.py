import re

import pytest
from netmiko.ssh_dispatcher import CLASS_MAPPER_BASE
from pydantic import ValidationError

from ictops.errors import SwitchError
from ictops.network import platform as platforms
from ictops.network.clean import normalised
from ictops.network.declared import as_expression
from ictops.network.platform import Secret, load_platform, platform_names
from ictops.network.tree import tree_of
from tests.support.shown import FOLDER, shown_by

NAMES = platform_names()


def test_every_platform_that_schools_have_is_there():
    assert set(NAMES) >= {
        "arista_eos",
        "aruba_aoscx",
        "cisco_ios",
        "cisco_xe",
        "dell_os10",
        "frr",
        "hp_procurve",
        "juniper_junos",
        "mikrotik_routeros",
        "netgear_prosafe",
        "ubiquiti_edgeswitch",
    }


def test_every_platform_has_its_test_data_and_no_other_is_there():
    needed = {"running.txt", "running-later.txt", "version.txt", "refused.txt", "expect.yml"}
    for name in NAMES:
        assert {path.name for path in (FOLDER / name).iterdir()} >= needed, name
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_other_name_is_known_to_netmiko(name):
    assert load_platform(name).netmiko in CLASS_MAPPER_BASE


@pytest.mark.parametrize("name", NAMES)
def test_hier_config_reads_its_configuration(name):
    platform = load_platform(name)
    tree = tree_of(platform, normalised(platform, shown_by(name).running))
    assert len(list(tree.all_children())) > 20


@pytest.mark.parametrize("name", NAMES)
def test_there_is_data_for_all_that_it_shows(name):
    shows, shown = load_platform(name).shows, shown_by(name)
    assert bool(shows.neighbours) == ("neighbours" in shown.texts)
    assert len(shown.running.splitlines()) > 40
    if shows.startup is None:
        assert "startup" not in shown.texts


def test_each_expression_is_tried_by_the_data_of_a_platform_that_has_it():
    """Otherwise nobody would know whether it fits what a switch shows."""
    untried: dict[str, set[str]] = {}
    tried: set[str] = set()
    for name in NAMES:
        platform, shown = load_platform(name), shown_by(name)
        lines = [line for text in shown.texts.values() for line in text.splitlines()]
        kept = normalised(platform, shown.running)
        answers = [line.strip() for line in shown.refused]
        tries = [
            *((one, lines) for one in (*platform.volatile, *platform.frame, *platform.holds)),
            *((one.pattern, kept) for one in platform.secrets),
            *((one, answers) for one in platform.refusals),
        ]
        for expression, among in tries:
            found = any(re.search(expression, line) for line in among)
            (tried if found else untried.setdefault(name, set())).add(expression)
    left = {name: of_it - tried for name, of_it in untried.items()}
    assert {name: of_it for name, of_it in left.items() if of_it} == {}


def test_an_unknown_platform_is_refused_with_all_that_there_are():
    with pytest.raises(SwitchError) as caught:
        load_platform("cisco_catos")
    assert "there is no platform 'cisco_catos'" in str(caught.value)
    assert all(name in str(caught.value) for name in NAMES)


@pytest.mark.parametrize("name", ["../errors", "", "cisco_ios.yml", "/etc/passwd"])
def test_a_name_is_no_path(name):
    with pytest.raises(SwitchError, match="there is no platform"):
        load_platform(name)


FILE = """
title: Tried
netmiko: cisco_ios
shows: {running: show running-config, version: show version}
whole: ^end$
refusals: ['^% Invalid']
save: write memory
change: {enter: [configure terminal], leave: [end], up: exit}
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a platform's file and load it."""
    monkeypatch.setattr(platforms, "FOLDER", tmp_path)
    load_platform.cache_clear()

    def write(text, name="tried"):
        (tmp_path / f"{name}.yml").write_text(text)
        return load_platform(name)

    yield write
    load_platform.cache_clear()


def test_a_file_is_enough_to_add_a_platform(written):
    platform = written(FILE)
    assert (platform.name, platform.title) == ("tried", "Tried")
    assert not platform.secret_line.match("anything")
    assert not platform.volatile_line.match("anything")


def test_a_file_can_be_like_another_one(written):
    written(FILE)
    other = written("like: tried\ntitle: Other\n", "other")
    assert (other.name, other.title, other.netmiko) == ("other", "Other", "cisco_ios")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("title: Tried\n", ""), "title"),
        (FILE + "colour: blue\n", "colour"),
        (FILE.replace("^end$", "(end"), "whole"),
        (FILE + "volatile: ['Time:']\n", "does not begin with"),
        (FILE + "secrets: [{pattern: '^password (.+)'}]\n", "neither {secret} nor {rest}"),
        ("- a list", "wrong"),
        ("like: nothing\n", "nothing"),
        ("title: [", "wrong"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(written, text, said):
    with pytest.raises(SwitchError) as caught:
        written(text)
    assert "tried.yml" in str(caught.value)
    assert said in str(caught.value)


def test_a_secret_is_searched_for_once_in_a_pattern():
    with pytest.raises((ValidationError, re.error)):
        Secret(pattern="^password {secret} {secret}")


def test_a_group_that_is_repeated_possessively_is_refused():
    with pytest.raises(ValueError, match="not every Python can"):
        as_expression(r"^\S+(?: \S+)*+  x")
    assert as_expression(r"^a ++(?:b )?+c\)++") == r"^a ++(?:b )?+c\)++"
