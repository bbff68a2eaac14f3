"""A whole tick that tells people: no secret of an address is anywhere but where it is sent to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ictops.settings import load_settings
from ictops.store.alarms import Alarms
from ictops.store.deliveries import Deliveries
from ictops.store.journal import Journal
from tests.support.scripted import journalled, small_plan
from tests.support.services import Mail, Web

PASSWORD = b"the vault's own password"
TOKEN = "T0K3N-of-the-team"
BEAT = "B3AT-of-the-monitor"
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().running() as web:
        yield web


@pytest.fixture
def mail() -> Iterator[Mail]:
    with Mail().running() as mail:
        yield mail


@pytest.fixture
def workspace(tmp_path: Path, web: Web, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a vaulted notify.yml, and a run that no tick can carry."""
    vault = VaultLib([("default", VaultSecret(PASSWORD))])

    def sealed(text: str) -> str:
        lines = vault.encrypt(text.encode()).decode().splitlines()
        return "!vault |\n" + "".join(f"        {line}\n" for line in lines)

    folder = tmp_path / "inventories" / "demo"
    folder.mkdir(parents=True)
    (folder / "notify.yml").write_text(
        f"heartbeat: {sealed(f'http://{web.place}/{BEAT}')}\n"
        "routes:\n"
        f"  - name: chat\n    url: {sealed(f'json://bot:{TOKEN}@{web.place}/{TOKEN}')}\n"
        "    severity: urgent\n"
        f"  - name: mail\n    url: {sealed(mail.url)}\n    severity: urgent\n"
    )
    (tmp_path / "password").write_bytes(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "ictops.toml").write_text(
        'state_dir = "state"\nmetrics_file = "ictops.prom"\n[vault]\npassword_file = "password"\n'
    )
    monkeypatch.setenv("ICTOPS_CONFIG", str(tmp_path / "ictops.toml"))
    return tmp_path


def stopped_run(journal: Journal) -> str:
    """Write down a run that a gate stopped at a site."""
    run = journalled(journal, small_plan({"oakfield": [["ws-1"], ["ws-2"]]}))
    now = journal.run(run).created_at
    lease = journal.acquire(run, at=now)
    lease.end_site("oakfield", "stopped", "1 of 1 hosts failed", [], at=now)
    lease.let_go("paused", "", at=now)
    return run


def tick(workspace: Path) -> tuple[str, list[str]]:
    """Run a tick, and give what it said and every argument list seen meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue  # it has ended
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "ictops", "tick"],
            cwd=workspace, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    finally:
        done.set()
        watcher.join()
    return ended.stdout + ended.stderr, sorted(seen)


def test_a_gate_that_stops_a_rollout_is_told_and_no_secret_is_left_anywhere(
    workspace: Path, web: Web, mail: Mail
) -> None:
    journal = Journal.open(load_settings().journal_url)
    run = stopped_run(journal)
    web.answer, mail.refuse = 503, f"554 go away, {mail.user} with {mail.password}"
    said, seen = tick(workspace)
    assert any("ictops tick" in words for words in seen), "the watcher looked while it ran"
    assert "error=503" in said
    assert "go away" in said
    waiting = Deliveries(journal).waiting("demo")
    assert [(one.route, one.tries) for one in waiting] == [("chat", 1), ("mail", 1)]
    assert [one.path for one in web.asked] == [f"/{TOKEN}", f"/{BEAT}"]

    web.answer, mail.refuse = 200, ""
    with journal.writing() as connection:  # as if the next try were due
        connection.exec_driver_sql("UPDATE delivery SET next_try_at = made_at")
    more, words = tick(workspace)
    assert Deliveries(journal).waiting("demo") == []
    assert f"(run {run}) was stopped: 1 of 1 hosts failed" in mail.got[0].get_content()
    assert f"(run {run}) was stopped: 1 of 1 hosts failed" in web.asked[-2].body
    assert web.asked[-1].path == f"/{BEAT}", "the monitor did not take it before"
    assert [one.severity for one in Alarms(journal).standing("demo")] == ["urgent"]
    assert "ictops_alarms{" in (workspace / "ictops.prom").read_text()
    journal.close()

    kept = {
        str(path): path.read_bytes().decode(errors="replace")
        for path in workspace.rglob("*")
        if path.is_file() and path.name != "password"
    }
    assert any(name.endswith("journal.db") for name in kept)
    kept |= {"said": said + more, "argument lists": "\n".join([*seen, *words])}
    for secret in (TOKEN, BEAT, mail.password, PASSWORD.decode()):
        assert [name for name, text in kept.items() if secret in text] == []


def test_plain_ansible_reads_the_cluster_s_folder_beside_it(workspace: Path) -> None:
    folder = workspace / "inventories" / "demo"
    (folder / "oakfield.yml").write_text("site_oakfield: {hosts: {ws-1: }}\n")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(folder), "--graph"],
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ws-1" in done.stdout
    assert "notify" not in done.stdout + done.stderr
