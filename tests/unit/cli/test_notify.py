"""``ictops notify`` and ``ictops metrics`` as a person types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictops.store.alarm_records import Alarm
from ictops.store.alarms import Alarms
from ictops.store.journal import Journal
from tests.support.services import LOOPBACK, Web, free_port
from tests.unit.cli.conftest import Typed

TOKEN = "T0K3N-of-the-team"


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().running() as web:
        yield web


@pytest.fixture
def routes(cluster: Path, web: Web) -> Path:
    file = cluster / "notify.yml"
    url = f"json://{web.place}/{TOKEN}"
    file.write_text(
        f"heartbeat: http://{web.place}/{TOKEN}\n"
        "routes:\n"
        f'  - {{name: it-team, url: "{url}", quiet: "21:00-07:00"}}\n'
        f'  - {{name: oak, url: "{url}", sites: [oakfield], severity: urgent}}\n'
    )
    return file


def test_who_is_told_of_what_is_shown_and_no_address(typed: Typed, routes: Path, web: Web) -> None:
    said = typed("notify", "check", code=0).out
    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert "it-team all urgent, warning 07:30 21:00-07:00 but urgent Europe/London" in rows
    assert "oak oakfield urgent 07:30 Europe/London" in rows
    assert "heartbeat: every 5 minutes" in rows
    shown = typed("notify", "check", "--json", code=0).out
    assert json.loads(shown)["routes"][1]["sites"] == ["oakfield"]
    assert json.loads(shown)["heartbeat"] is True
    assert TOKEN not in said + shown
    assert web.asked == []


def test_a_fault_has_its_line(typed: Typed, routes: Path) -> None:
    routes.write_text(routes.read_text().replace("severity: urgent", "severity: loud"))
    said = typed("notify", "check", code=3).err
    assert "notify.yml:4" in said
    assert TOKEN not in said


def test_without_a_file_it_is_said_what_to_do(typed: Typed) -> None:
    assert "docs/notify.md" in typed("notify", "check", code=3).err
    assert "docs/notify.md" in typed("notify", "test", "it-team", code=3).err


def test_a_test_message_is_sent(typed: Typed, routes: Path, web: Web) -> None:
    assert "it-team has taken a test message" in typed("notify", "test", "it-team", code=0).out
    assert [one.path for one in web.asked] == [f"/{TOKEN}"]
    web.answer = 500
    said = typed("notify", "test", "it-team", code=1).err
    assert "error=500" in said
    assert TOKEN not in said
    assert "There are: it-team, oak" in typed("notify", "test", "nobody", code=3).err


def test_what_stands_and_what_waits_is_listed(
    typed: Typed, routes: Path, web: Web, cluster: Path
) -> None:
    assert "no alarm stands" in typed("notify", "list", code=0).out
    journal = Journal.open(f"sqlite:///{cluster.parents[1]}/state/journal.db")
    now = datetime.now(UTC)
    said = [Alarm("a", "urgent", "drift \x1b[2J[red]a[/red]", "oakfield", "dc-1")]
    Alarms(journal).tell("demo", "another", said, now)
    journal.close()
    web.answer = 503
    typed("tick", code=0)
    said_so = typed("notify", "list", code=0).out
    assert "urgent" in said_so
    assert "dc-1" in said_so
    assert "[red]a[/red]" in said_so
    assert "\x1b" not in said_so
    assert "To be sent" in said_so
    assert "error=503" in said_so
    found = json.loads(typed("notify", "list", "--json", code=0).out)
    assert [one["host"] for one in found["alarms"]] == ["dc-1"]
    assert {one["route"] for one in found["waiting"]} == {"it-team", "oak"}
    assert TOKEN not in said_so + json.dumps(found)


def test_the_inventory_s_check_takes_the_file_for_no_site(typed: Typed, routes: Path) -> None:
    said = typed("inventory", "check", code=0)
    assert "notify" not in said.out + said.err


def test_metrics_are_shown_written_and_given_as_json(typed: Typed, cluster: Path) -> None:
    assert "ictops_up 1.0" in typed("metrics", code=0).out
    typed("metrics", "--file", "ictops.prom", code=0)
    assert "ictops_up 1.0" in Path("ictops.prom").read_text()
    found = json.loads(typed("metrics", "--json", code=0).out)
    assert {"name": "ictops_up", "labels": {}, "value": 1} in found
    assert "cannot be written" in typed("metrics", "--file", "no/where.prom", code=1).err


@pytest.mark.parametrize("place", ["9469", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "a b:1"])
def test_an_address_that_is_none_is_told(typed: Typed, place: str) -> None:
    assert "127.0.0.1:9469" in typed("metrics", "--listen", place, code=2).err


def test_metrics_are_served(cluster: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "ictops", "metrics", "--listen", f"{LOOPBACK}:{port}"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        assert "is served" in process.stderr.readline()
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=30) as answer:
            assert "ictops_up 1.0" in answer.read().decode()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stderr.close()
