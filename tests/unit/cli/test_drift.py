"""``ictops drift`` as a person types it, on what checks have left in the journal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ictops.settings import load_settings
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import Checked, Differing
from tests.support.journals import make_run
from tests.unit.cli.conftest import Typed

ONE, OTHER, THIRD = "oak-it1-01", "oak-it1-02", "oak-srv-01"
MOTD = Differing("system_settings : Write files : /etc/motd", "a" * 64, "- old\n+ new")
HOSTS = Differing("baseline : Let the host know its own name : /etc/hosts", "b" * 64, "+ x")
NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
WHEN = ("--in", "christmas", "--canary", "none")
LATER = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
WORDS = ("--until", LATER, "--reason", "open day")


def drifted(host: str, *differing: Differing, at: datetime = NIGHT) -> Checked:
    return Checked(host, "oakfield", "drift", at, differing=differing)


def write(*checked: Checked, kind: str = "host") -> None:
    journal = Journal.open(load_settings().journal_url)
    Drifts(journal).record("demo", kind, make_run(journal), checked)
    journal.close()


@pytest.fixture
def night(cluster: Path) -> Path:
    """The results of a check: two hosts drift, one is an error."""
    write(
        drifted(ONE, MOTD, HOSTS),
        drifted(OTHER, MOTD),
        Checked(THIRD, "oakfield", "error", NIGHT, "Write files: no space left"),
    )
    return cluster


def test_the_newest_results_are_shown_once_each(typed: Typed, night: Path) -> None:
    said = typed("drift", "show", code=9).out
    assert said.startswith("host: 2 drift, 1 error\n")
    assert said.count(f"{MOTD.item}: {ONE}, {OTHER}, since ") == 1
    assert "\n  - old\n  + new\n" in said
    assert f"\n{THIRD} error since " in said
    told = json.loads(typed("drift", "show", "--json", code=9).out)
    assert [group["hosts"] for group in told["groups"]] == [[ONE, OTHER], [ONE]]
    assert "nothing was checked yet" in typed("drift", "show", "--site", "elmtree", code=0).out


def test_what_is_let_be_counts_no_more_until_it_is_another(typed: Typed, night: Path) -> None:
    typed("drift", "accept", f"{ONE},{OTHER}", "motd", *WORDS, code=0)
    said = typed("drift", "show", code=9).out
    assert said.startswith("host: 1 accepted, 1 drift, 1 error\n")
    assert f"{MOTD.item}: {ONE}, {OTHER}: open day" in said
    typed("drift", "accept", ONE, "/etc/hosts", *WORDS, code=0)
    assert typed("drift", "show", code=0).out.startswith("host: 2 accepted, 1 error\n")
    another = Differing(MOTD.item, "c" * 64, "- older\n+ new")
    write(drifted(OTHER, another, at=NIGHT + timedelta(hours=1)))
    assert typed("drift", "show", code=9).out.startswith("host: 1 accepted, 1 drift, 1 error\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((ONE, "etc"), "this may be 2 things"),
        ((ONE, "nothing"), f"no such drift stands on {ONE}"),
        ((THIRD, "motd"), "Nothing drifts there"),
        (("nosuch", "motd"), "matches no host"),
    ],
)
def test_what_is_meant_must_be_clear(
    typed: Typed, night: Path, words: tuple[str, ...], text: str
) -> None:
    assert text in typed("drift", "accept", *words, *WORDS, code=3).err


@pytest.mark.parametrize(
    ("until", "reason", "text"),
    [
        ("2020-01-01", "x", "that day is over"),
        ("2199-01-01", "x", "more than a year away"),
        (LATER, " ", "say why"),
    ],
)
def test_a_day_and_a_reason_are_needed(
    typed: Typed, night: Path, until: str, reason: str, text: str
) -> None:
    words = ("--until", until, "--reason", reason)
    assert text in typed("drift", "accept", ONE, "motd", *words, code=3).err


def test_a_plan_is_for_exactly_the_hosts_that_drift(typed: Typed, night: Path) -> None:
    write(drifted("oak-sw-01", Differing("running vs intended", "d" * 64, "+ x")), kind="switch")
    typed("drift", "accept", OTHER, "motd", *WORDS, code=0)
    said = typed("drift", "fix", *WHEN, "-o", "fix.yml", code=0).out
    plan = yaml.safe_load(Path("fix.yml").read_text())
    assert (plan["operation"], plan["playbook"], plan["check"]) == ("drift-fix", "site.yml", False)
    assert [wave["hosts"] for wave in plan["sites"]["oakfield"]["waves"]] == [[ONE]]
    assert list(plan["sites"]) == ["oakfield"]
    assert "switches drift too: ictops plan switches --limit oak-sw-01" in " ".join(said.split())


def test_where_nothing_drifts_there_is_nothing_to_plan(typed: Typed, cluster: Path) -> None:
    write(Checked(ONE, "oakfield", "clean", NIGHT))
    assert "no host drifts" in typed("drift", "fix", *WHEN, code=3).err


def test_the_past_of_a_host_is_told(typed: Typed, night: Path) -> None:
    write(Checked(OTHER, "oakfield", "clean", NIGHT + timedelta(hours=1)))
    write(drifted(OTHER, HOSTS, at=NIGHT + timedelta(hours=2)))
    past = json.loads(typed("drift", "history", OTHER, "--json", code=0).out)["history"]
    assert [(one["item"], bool(one["ended_at"])) for one in past] == [
        (HOSTS.item, False), (MOTD.item, True),
    ]  # fmt: skip
    assert past[0]["not_before"] == (NIGHT + timedelta(hours=1)).isoformat()
    said = typed("drift", "history", OTHER, code=0).out
    assert "no run of ictops was at work there then" in said
    assert "nothing was ever found" in typed("drift", "history", THIRD, code=0).out
