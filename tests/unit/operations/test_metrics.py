"""Numbers for Prometheus, read back by its own parser."""

from __future__ import annotations

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ictops.errors import IctopsError
from ictops.operations import metrics
from ictops.operations.metrics import last_tick, mark_tick, metrics_text, write_metrics
from ictops.settings import Settings
from ictops.store.alarm_records import Alarm, Message
from ictops.store.alarms import Alarms
from ictops.store.deliveries import Decided, Deliveries, Hearing
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import Checked, Settled
from ictops.store.slot_filling import Filling
from ictops.store.slots import Slots
from tests.support.journals import NOW, make_run, start
from tests.support.postgresql import Server

Labels = tuple[tuple[str, str], ...]


def numbers(text: str) -> dict[str, float]:
    """Give each number by its name and labels, such as ``runs{state=waiting}``."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            name = sample.name.removeprefix("ictops_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


def fill(journal: Journal) -> None:
    """Write down two runs of one operation, a drift check, alarms and a message."""
    for hosts in (["pc-1", "pc-2", "pc-3"], ["pc-1", "pc-2"]):
        run = make_run(journal, hosts)
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, ["pc-1"])
    assert shard is not None
    settled = [Settled("pc-1", "ended", "failed")]
    lease.end_shard(shard.id, status="failed", reason="", settled=settled, at=NOW)
    lease.let_go("finished", "", at=NOW)
    slots = Slots(journal)
    schedule = slots.add(
        cluster="demo", name="nightly", rule="x", operation="switch backup", sites=(), limit=None,
        options={}, jitter=timedelta(0), missed="skip", within=None, by="ann", at=NOW,
    )  # fmt: skip
    tonight = NOW + timedelta(hours=17)
    filling = Filling("oakfield", "UTC", {tonight.date(): tonight}, NOW, tonight)
    slots.fill(schedule, [filling], NOW)
    checked = [Checked(f"pc-{n}", "oakfield", "clean", NOW) for n in range(3)]
    Drifts(journal).record("demo", "roles", run, checked)
    said = [Alarm("a", "urgent", 'a "text"\n', "oakfield"), Alarm("b", "info", "x")]
    Alarms(journal).tell("demo", "run", said, NOW)

    def decide(_: object, news: object) -> Decided:
        return Decided([Message(True, "a title", "a text", ())], None)

    Deliveries(journal).make("demo", Hearing("team", ("urgent",), None), decide, NOW)


WANTED = {
    "up": 1,
    "runs{state=finished}": 1,
    "runs{state=waiting}": 1,
    "slots{state=planned}": 1,
    "run_hosts{operation=rollout,outcome=failed,site=oakfield}": 1,
    "run_hosts{operation=rollout,outcome=pending,site=oakfield}": 1,
    "drift_hosts{kind=roles,site=oakfield,state=clean}": 3,
    "alarms{severity=urgent,site=oakfield}": 1,
    "alarms{severity=info,site=}": 1,
    "messages_waiting{route=team}": 1,
}


def sorted_labels(found: dict[str, float]) -> dict[str, float]:
    def key(name: str) -> str:
        head, brace, labels = name.partition("{")
        return f"{head}{brace}{','.join(sorted(labels.rstrip('}').split(',')))}" + "}" * bool(brace)

    return {key(name): value for name, value in found.items()}


def test_what_the_journal_holds_is_counted(journal: Journal, settings: Settings) -> None:
    fill(journal)
    mark_tick(settings, NOW)
    found = sorted_labels(numbers(metrics_text(journal, settings)))
    size = found.pop("journal_bytes")
    assert found.pop("last_tick_timestamp_seconds") == NOW.timestamp()
    assert found == WANTED
    file = settings.resolve(settings.state_dir) / "journal.db"
    assert size >= file.stat().st_size > 0


def test_so_it_is_on_postgresql(settings: Settings, postgresql: Server) -> None:
    journal = Journal.open(postgresql.database())
    fill(journal)
    found = sorted_labels(numbers(metrics_text(journal, settings)))
    assert found.pop("journal_bytes") > 1e6
    assert found == WANTED, "no tick was yet"
    journal.close()


def test_another_cluster_s_numbers_are_not_these(journal: Journal, settings: Settings) -> None:
    fill(journal)
    other = settings.of_cluster("other")
    assert sorted(numbers(metrics_text(journal, other))) == ["journal_bytes", "up"]


def test_no_name_of_a_host_or_person_and_no_text_is_told(
    journal: Journal, settings: Settings
) -> None:
    fill(journal)
    text = metrics_text(journal, settings)
    for private in ("pc-1", "ann", "a text", "title", str(settings.workspace)):
        assert not re.search(rf"\b{re.escape(private)}\b", text)


def test_a_journal_that_cannot_be_read_is_down(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise IctopsError("it is damaged")

    monkeypatch.setattr(metrics.Counts, "alarms", broken)
    assert numbers(metrics_text(journal, settings)) == {"up": 0}


def test_a_file_is_written_whole_for_another_user(
    journal: Journal, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "ictops.prom"
    file.write_text("what was before")
    write_metrics(journal, settings, file)
    assert numbers(file.read_text())["up"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert sorted(path.name for path in tmp_path.glob("*prom*")) == ["ictops.prom"]


def test_a_file_that_cannot_be_written_is_told_and_left(
    journal: Journal, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(IctopsError, match="cannot be written: No such file"):
        write_metrics(journal, settings, tmp_path / "nowhere" / "ictops.prom")
    folder = tmp_path / "ictops.prom"
    folder.mkdir()
    with pytest.raises(IctopsError, match="cannot be written: Is a directory"):
        write_metrics(journal, settings, folder)
    assert [path.name for path in tmp_path.glob("*prom*")] == ["ictops.prom"]


def test_a_stamp_of_a_tick_that_was_cut_off_is_none(settings: Settings) -> None:
    assert last_tick(settings) is None
    mark_tick(settings, NOW)
    assert last_tick(settings) == NOW
    (settings.resolve(settings.state_dir) / "ticked").write_text("2026-1")
    assert last_tick(settings) is None
