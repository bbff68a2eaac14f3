"""``ictops schedule`` as a person types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.errors import Exit
from ictops.settings import load_settings
from ictops.store.journal import Journal
from tests.support.schools import a_day_ago, just_now
from tests.unit.cli.conftest import Typed
from tests.unit.cli.test_completion import offered

NIGHTLY = ("schedule", "add", "nightly", "every night at 02:00")
BACKUP = ("--", "switch", "backup")


@pytest.fixture
def added(typed: Typed) -> None:
    typed(*NIGHTLY, "--jitter", "30m", *BACKUP, "--site", "rowan,oakfield", code=0)


def test_a_schedule_is_added_listed_and_removed(added: None, typed: Typed) -> None:
    (one,) = json.loads(typed("schedule", "list", "--json", code=0).out)
    assert one["command"] == "switch backup --site rowan,oakfield"
    assert (one["rule"], one["missed"]) == ("every night at 02:00", "run-once")
    assert datetime.fromisoformat(one["next_at"]) - datetime.now(UTC) < timedelta(hours=25)
    said = typed("schedule", "list", code=0).out
    assert "every night at 02:00, up to 30m later" in said
    assert "there is a schedule of this name" in typed(*NIGHTLY, *BACKUP, code=Exit.ERROR).err
    assert "nightly is removed" in typed("schedule", "remove", "nightly", code=0).out
    assert "there are no schedules" in typed("schedule", "list", code=0).out
    said = typed("schedule", "remove", "nightly", code=Exit.ERROR).err
    assert "there is no such schedule" in said
    assert "schedule add" in said


def test_what_is_added_says_when_it_is_due_first(typed: Typed) -> None:
    said = typed(*NIGHTLY, "switch", "drift", "--missed", "within 6h", code=0).out
    assert "nightly: switch drift, every night at 02:00; first due " in said
    rule = "first Monday of each holiday at 07:00"
    said = typed("schedule", "add", "holidays", rule, "switch", "backup", code=0).out
    assert "first due Mon " in said
    (one, _) = json.loads(typed("schedule", "list", "--json", code=0).out)
    assert one["name"] == "holidays"
    assert one["next_at"] is not None


def test_history_puts_sites_together_and_says_what_became_of_the_run(typed: Typed) -> None:
    rule = just_now()
    command = ("switch", "backup", "--site", "rowan,oakfield")
    typed("schedule", "add", "now", rule, "--", *command, code=0)
    said = typed("schedule", "history", code=0).out
    assert said.count("planned") == 2
    assert said.count("oakfield, rowan") == 2
    found = json.loads(typed("schedule", "history", "--json", "--site", "rowan", code=0).out)
    assert [(one["site"], one["state"]) for one in found] == [("rowan", "planned")] * 2
    journal = Journal.open(load_settings().journal_url)
    a_day_ago(journal)
    journal.close()
    ticked = json.loads(typed("tick", "--json").out)
    (run,) = ticked["begun"]
    assert ticked["carried"] == [run]
    (line,) = [
        line for line in typed("schedule", "history", code=0).out.splitlines() if run in line
    ]
    assert " now " in line
    assert "oakfield, rowan" in line
    assert "finished" in line
    assert "hosts that are not done: " in line
    shown = json.loads(typed("run", "show", run, "--json").out)
    assert shown["report"]["created_by"] == "schedule now"
    assert typed("schedule", "history", "nothing", code=0).out == "nothing was due\n"


@pytest.mark.parametrize(
    ("words", "what", "do"),
    [
        (("Night", "every night at 02:00", "switch", "drift"), "lower-case", ""),
        (("x", "at midnight", "switch", "drift"), "not understood", "every school night at 02:00"),
        (("x", "RRULE:FREQ=DAILY;UNTIL=20250101 at 02:00", "switch", "drift"), "never be due", ""),
        (("x", "every night at 02:00", "site", "list"), "cannot begin this", "switch backup"),
        (("x", "every night at 02:00", "switch"), "cannot begin this", "switch backup"),
        (("x", "every night at 02:00", "switch", "drift", "now"), "'now' is no option", "--site"),
        (
            ("x", "every night at 02:00", "--", "switch", "drift", "--full"),
            "option --full not recognized", "--limit",
        ),
        (
            ("x", "every night at 02:00", "--", "switch", "drift", "--site", "oakfeild"),
            "no site 'oakfeild'", "oakfield?",
        ),
        (
            ("x", "every night at 02:00", "--", "switch", "drift", "--limit", "a", "--limit", "b"),
            "--limit is said twice", "",
        ),
        (
            ("x", "every night at 02:00", "--", "switch", "drift", "--limit", "nobody"),
            "matches no host", "",
        ),
        (
            ("x", "every night at 02:00", "--missed", "never", "switch", "drift"),
            "'never' is no way", "run-once",
        ),
        (
            ("x", "every night at 02:00", "--missed", "within a bit", "switch", "drift"),
            "no length of time", "within 6h",
        ),
        (
            ("x", "every night at 02:00", "--jitter", "1d", "switch", "drift"),
            "more than 12 hours", "",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_scheduled(typed: Typed, words: tuple[str, ...], what: str, do: str) -> None:
    said = typed("schedule", "add", *words)
    assert said.code in {Exit.ERROR, Exit.FAULTS}
    assert what in said.err
    assert do in said.err
    assert typed("schedule", "list", "--json", code=0).out == "[]\n"


@pytest.mark.parametrize(
    "said", [("--site", "oakfield", "--site", "rowan"), ("--site", "oakfield,rowan")]
)
def test_several_sites_are_all_meant(typed: Typed, said: tuple[str, ...]) -> None:
    words = ("x", "every night at 02:00", "--", "switch", "drift", *said)
    typed("schedule", "add", *words, code=0)
    (one,) = json.loads(typed("schedule", "list", "--json", code=0).out)
    assert one["command"] == "switch drift --site oakfield,rowan"


def test_names_are_completed(cluster: Path, added: None) -> None:
    assert offered("ictops schedule remove ni") == ["nightly"]
    assert offered("ictops schedule history ") == ["nightly"]
    assert offered("ictops schedule history --site ro") == ["rowan"]
    for part in (cluster.parents[1] / "state").glob("journal.db*"):
        part.unlink()
    assert offered("ictops schedule remove ") == []
    assert not (cluster.parents[1] / "state" / "journal.db").exists()
