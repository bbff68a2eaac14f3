"""Drift of real hosts: of every kind, by the full check and by the fast path."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.operations.drift_known import declared_by
from ictops.settings import Settings, content_dir
from tests.support.drifting import (
    check,
    drifting_school,
    fingerprints,
    items_of,
    known_of,
    make_right,
    plain_ansible,
    play_in_check_mode,
    seeds,
)
from tests.support.lab import Workspace, need_lab
from tests.support.touched import arguments_of, is_declared, touched

pytestmark = pytest.mark.lab

FIRST, SECOND = "lab001-ws-01", "lab001-ws-02"
SERVER = "lab001-srv-01"
BOTH = [FIRST, SECOND]
ITEM = "system_settings : Write files : /etc/motd"
OLDER = "apt-get -qq install --allow-downgrades school-browser=1.0"
BREAK = f"{OLDER} && apt-mark hold school-browser"
MOTD = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - name: Write it wrong
      ansible.builtin.copy: {content: "a slip\\n", dest: /etc/motd}
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    need_lab()
    with drifting_school(tmp_path_factory.mktemp("drift"), 2) as workspace:
        make_right(workspace)
        yield workspace


def test_drift_of_every_kind_is_found_by_both_paths_and_put_right(school: Workspace) -> None:
    settings = Settings(workspace=school.folder, cluster="t")
    first = check(school, code=0)
    assert (first["counts"]["clean"], first["passed_over"]) == (2, 0), first["groups"]
    again = check(school, code=0)
    assert (again["counts"]["clean"], again["passed_over"]) == (2, 2)

    done = [(SECOND if seed.alone else FIRST, seed) for seed in seeds()]
    declared = dict(declared_by(settings, "site.yml").parts)
    pairs = fingerprints(school, declared, [(host, seed.do) for host, seed in done])
    passed = [seed for (_, seed), (was, now) in zip(done, pairs, strict=True) if was == now]
    assert passed == [], "the fast path would have passed these over"

    found = check(school, code=9)
    assert (found["counts"]["drift"], found["passed_over"]) == (2, 0), found
    items = {host: items_of(found, host) for host in BOTH}
    missed = [seed for host, seed in done if not any(seed.item in one for one in items[host])]
    assert missed == [], items

    make_right(school, "drift", "fix")
    left = [item for host in BOTH for item in items_of(check(school, code=9), host)]
    wanted = [seed.item for _, seed in done if seed.person]
    assert sorted(left) == sorted(f"drift_expectations : {item}" for item in wanted)


def test_whatever_a_full_check_looks_at_is_declared(school: Workspace) -> None:
    declared = dict(declared_by(Settings(workspace=school.folder, cluster="t"), "site.yml").parts)
    known = f"ictops_drift_known={known_of(school, declared)}"
    playbook = content_dir() / "playbooks" / "drift.yml"
    told = play_in_check_mode(school, playbook, "--limit", SECOND, "--extra-vars", known)
    ran = list(arguments_of(told))
    (taken_of,) = [given["declared"] for module, given in ran if module == "fingerprint"]
    looked_at = [
        (module, one)
        for module, given in ran
        if module != "fingerprint"
        for one in touched(module, given)
    ]
    assert len(looked_at) > 30
    assert {part for _, (part, _) in looked_at} == set(taken_of)
    assert [pair for pair in looked_at if not is_declared(pair[1], taken_of)] == []


def test_a_host_is_clean_drifts_is_an_error_or_unreachable_and_never_two(
    school: Workspace,
) -> None:
    school.on(FIRST, "sh", "-c", f"{BREAK}; echo changed > /etc/motd")
    school.ictops("lab", "fault", SECOND, "off", "--name", "t")
    found = school.json("drift", "check", code=9)
    assert found["counts"] == {"clean": 0, "drift": 1, "unreachable": 1, "error": 1}
    states = {one["host"]: (one["state"], one["message"]) for one in found["silent"]}
    assert states[SECOND][0] == "unreachable"
    assert states[FIRST][0] == "error"
    assert "on hold on this host" in states[FIRST][1]
    assert {host for group in found["groups"] for host in group["hosts"]} == {SERVER}

    school.on(FIRST, "apt-mark", "unhold", "school-browser")
    school.ictops("lab", "fault", SECOND, "on", "--name", "t")
    school.ictops("lab", "up", "--name", "t")
    make_right(school)
    assert "system_settings : Write files : /etc/motd" not in items_of(check(school, code=9), FIRST)


def test_drift_is_accepted_until_it_is_another_and_its_past_is_known(school: Workspace) -> None:
    make_right(school)
    check(school, code=9)
    (school.folder / "motd.yml").write_text(MOTD)
    limit = ("--limit", SECOND)
    school.ictops(
        "plan", "playbook", "motd.yml", *limit, "--in", "christmas", "-o", "motd-plan.yml"
    )
    run = school.json("apply", "motd-plan.yml", "--now", "--reason", "a slip", "--yes")["run"]
    (group,) = school.json("drift", "check", *limit, code=9)["groups"]
    assert (group["item"], group["hosts"]) == (ITEM, [SECOND])
    assert group["text"] == "- a slip\n+ This is the school's."

    until = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    words = ("--until", until, "--reason", "for the open day")
    said = school.ictops("drift", "accept", SECOND, "etc/motd", *words)
    assert f"{ITEM}: {SECOND}" in said
    assert "no such drift stands" in school.ictops(
        "drift", "accept", SECOND, "nothing", *words, code=3
    )
    shown = school.json("drift", "check", *limit, code=0)
    assert shown["groups"] == []
    assert shown["kinds"] == {"host": {"accepted": 1}}
    assert shown["accepted"][0]["reason"] == "for the open day"
    assert "for the open day" in school.ictops("drift", "show", code=9), "of the others"

    school.on(SECOND, "sh", "-c", "echo another > /etc/motd")
    (group,) = school.json("drift", "check", *limit, code=9)["groups"]
    assert group["text"] == "- another\n+ This is the school's."

    newest, before = school.json("drift", "history", SECOND)["history"][:2]
    assert (newest["ended_at"], newest["touched"]) == (None, [])
    assert [(touch["run"], touch["outcome"]) for touch in before["touched"]] == [(run, "changed")]
    told = school.json("drift", "history", SECOND, "--ask")["evidence"]
    (motd,) = [one for one in told if one["path"] == "/etc/motd"]
    assert (motd["there"], motd["owner"]) == (True, "root")


def test_by_hand_it_changes_nothing_without_check_mode(school: Workspace) -> None:
    playbook = content_dir() / "playbooks" / "drift.yml"
    inventory = str(school.lab.folder / "lab001.yml")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", inventory, str(playbook)],
        env=school.environment | plain_ansible(), cwd=school.folder, text=True,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "run it with --check" in done.stdout
    (play,) = json.loads(done.stdout)["plays"]
    assert {task["task"]["name"] for task in play["tasks"]} == {"Compare their fingerprints"}
