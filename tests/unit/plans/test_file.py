from __future__ import annotations

import os
import stat
from datetime import UTC
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ictops.errors import PlanError
from ictops.estate.reading import MOST_BYTES
from ictops.plans.file import plan_digest, plan_text, read_plan, write_plan
from ictops.plans.model import Wave

BROKEN = yaml.safe_load((Path(__file__).parent / "broken_plans.yml").read_text())
BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n".encode() for n in range(1, 9)
)
"""Some four hundred bytes that are a billion values."""


def test_a_plan_reads_back_as_it_was(plan, tmp_path):
    path = tmp_path / "plan.yml"
    write_plan(plan, path)
    assert read_plan(path) == plan
    assert plan_digest(read_plan(path)) == plan_digest(plan)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path], "no half-written file stays"


def test_it_is_made_for_people(plan):
    text = "".join(plan_text(plan))
    assert "# Made by Anna B. on 01 October 2026 12:00 UTC.\n" in text
    assert "soak: 1h30m\n" in text
    assert "- {start: 2026-10-26 08:00+00:00, end: 2026-10-26 17:00+00:00}\n" in text
    assert "hosts: [ws-it1-02, ws-it1-03," in text
    assert '"no":' in text, "a name that YAML takes for False is quoted"
    assert max(len(line) for line in text.splitlines()) <= 100


def test_times_are_local_to_the_site(plan, tmp_path):
    site = plan.sites["oakfield"]
    moved = site.windows[0].model_copy(
        update={
            "start": site.windows[0].start.replace(day=23).astimezone(UTC),
            "end": site.windows[0].end.replace(day=23).astimezone(UTC),
        }
    )
    sites = {"oakfield": site.model_copy(update={"windows": [moved]})}
    summer = plan.model_copy(update={"sites": sites})
    assert "{start: 2026-10-23 08:00+01:00, end: 2026-10-23 17:00+01:00}" in "".join(
        plan_text(summer)
    )
    write_plan(summer, tmp_path / "p")
    assert plan_digest(read_plan(tmp_path / "p")) == plan_digest(summer)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)  # fmt: skip

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True) | st.sampled_from(
    ["no", "null", "Yes", "1e3", "0x10", "12", "1.5", "2026-10-26", "0o7", "1_000", "y"]
)


@given(
    names=st.lists(NAMES, min_size=1, max_size=9, unique=True),
    extra=st.dictionaries(st.text(max_size=9), DATA, max_size=3),
    made_by=st.text(max_size=20).filter(str.isprintable),
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_hosts_and_variables_are_called(plan, tmp_path, names, extra, made_by):
    site = plan.sites["oakfield"].model_copy(update={"waves": [Wave(name="rest", hosts=names)]})
    odd = plan.model_copy(
        update={"sites": {"oakfield": site}, "extra_vars": extra, "made_by": made_by}
    )
    assume(not any(mark in str(extra) for mark in ("{{", "{%", "{#")))
    write_plan(odd, tmp_path / "plan.yml")
    assert read_plan(tmp_path / "plan.yml") == odd


def test_the_digest_tells_every_change(plan):
    changes = [
        {"title": "x"},
        {"extra_vars": {}},
        {"needs_approval": True},
        {"limits": plan.limits.model_copy(update={"room": 1})},
        {"sites": {"oakfield": plan.sites["oakfield"]}},
    ]
    digests = {plan_digest(plan.model_copy(update=change)) for change in changes}
    assert len(digests | {plan_digest(plan)}) == len(changes) + 1


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_nonsense_edited_by_hand_is_named_with_its_line(plan, tmp_path, case):
    text = "".join(plan_text(plan))
    assert case["replace"] in text
    path = tmp_path / "plan.yml"
    path.write_text(text.replace(case["replace"], case["by"], 1))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert case["says"] in str(caught.value)
    line = next(
        number for number, line in enumerate(path.read_text().splitlines(), 1) if case["at"] in line
    )
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "this is no plan"),
        (b"just text", "this is no plan"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: !!python/object/apply:os.system [id]", "not valid YAML"),
        (b"a: &a [*a]", "a value that holds itself"),
        (b"a: !!binary 4\n", "not valid YAML"),
        (b"a: !!set {x}\n", "plain data only"),
        (b"a: .nan\n", "plain data only"),
        (b"[" * 2000, "not valid YAML"),
        (b"ictops_plan: 2\n", "written by a newer ictops .format 2, ours is 1"),
        (b"ictops_plan: 0\n", "ictops_plan"),
        (BOMB, "its anchors unfold to"),
    ],
)
def test_what_is_no_plan_at_all(tmp_path, content, says):
    path = tmp_path / "plan.yml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=says):
        read_plan(path)


def test_a_template_in_a_plan_is_refused(plan, tmp_path):
    lookup = {"a": ["{{ lookup('pipe', 'id') }}"]}
    write_plan(plan.model_copy(update={"extra_vars": lookup}), tmp_path / "plan.yml")
    with pytest.raises(PlanError, match="extra_vars a: a value holds a template"):
        read_plan(tmp_path / "plan.yml")


def test_a_plan_that_is_no_file_or_far_too_large(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    (tmp_path / "folder").mkdir()
    for name, says in {
        "pipe": "no regular file",
        "large": "34 MB; more than 32 MB cannot be meant",
        "folder": "Is a directory",
    }.items():
        with pytest.raises(PlanError, match=says):
            read_plan(tmp_path / name)


def test_a_plan_that_is_not_there_or_cannot_be_written(plan, tmp_path):
    with pytest.raises(PlanError, match="cannot be read"):
        read_plan(tmp_path / "none.yml")
    with pytest.raises(PlanError, match="cannot be written"):
        write_plan(plan, tmp_path / "no" / "folder" / "plan.yml")
