"""The local executor, with a shell script in the place of a job."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ictops.errors import RunError
from ictops.running.local import LocalExecutor
from ictops.running.messages import Ended, Order
from ictops.running.sweep import TOKEN_VARIABLE, processes_of, sweep
from tests.support.runs import until

ORDER = Order(
    run="r", shard=7, attempt=1, fence=2, token="r-1", site="oak", inventory="oak.yml",
    playbook="play.yml", hosts=["oak-1"], forks=1,
)  # fmt: skip


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Have this script run as the job; ``$folder`` is its private folder."""

    def write(script: str) -> LocalExecutor:
        path = tmp_path / "job"
        path.write_text(f"#!/bin/sh\nfolder=$3\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        return LocalExecutor(tmp_path / "jobs", {"ICTOPS_CLUSTER": "mine"})

    return write


def ended(executor: LocalExecutor) -> Ended:
    report = executor.reports.get(timeout=20)
    assert isinstance(report, Ended)
    assert (report.shard, report.fence) == (7, 2)
    return report


def test_a_job_hears_its_order_and_not_where_the_journal_is(
    job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_JOURNAL", "postgresql://ann:hunter2@db/ictops")
    monkeypatch.setenv("ICTOPS_CLUSTER", "the default one")
    executor = job("cat > $folder/order; env > $folder/env")
    executor.start(ORDER)
    ended(executor)
    folder = executor.folder_of("r-1")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Order.model_validate_json((folder / "order").read_text()) == ORDER
    told = (folder / "env").read_text().splitlines()
    assert f"{TOKEN_VARIABLE}=r-1" in told
    assert "ICTOPS_CLUSTER=mine" in told
    assert not [line for line in told if "hunter2" in line]


def test_a_job_that_ends_by_itself_without_a_word_of_it_is_heard(job) -> None:
    executor = job("echo first >&2; echo no such vault >&2; exit 3")
    executor.start(ORDER)
    report = ended(executor)
    assert (report.status, report.reason) == ("error", "no such vault")


def test_a_job_that_says_nonsense_is_ended(job) -> None:
    executor = job("echo nonsense; sleep 600")
    executor.start(ORDER)
    report = ended(executor)
    assert report.status == "error"
    assert "said something that is no report" in report.reason
    assert processes_of(["r-1"]) == []


def test_a_cancel_ends_children_in_sessions_of_their_own(job) -> None:
    executor = job("setsid sleep 600 & trap '' TERM; sleep 600; sleep 600")
    executor.start(ORDER)
    until(lambda: len(processes_of(["r-1"])) == 3, 60, "the job and its children")
    executor.cancel()
    assert processes_of(["r-1"]) == []
    assert ended(executor).status == "error"


def test_an_ssh_master_that_wrote_over_its_environment_is_ended(job) -> None:
    executor = job(
        """
        mkfifo $folder/pipe
        run='exec -c -a "ssh: $0/cp/87646830e1 [mux]" cat'
        setsid bash -c "$run" $folder <>$folder/pipe &
        setsid bash -c "$run" $folder-2 <>$folder/pipe &
        echo $! >$folder/of-another
        sleep 600
        """
    )
    executor.start(ORDER)
    other = executor.folder_of("r-1") / "of-another"
    until(lambda: other.is_file() and len(processes_of(["r-1"])) == 3, 60, "the job and a master")
    try:
        executor.cancel()
        assert processes_of(["r-1"]) == []
        assert processes_of(["r-1-2"]) == [int(other.read_text())], "that of another shard"
    finally:
        sweep(["r-1-2"])


def test_a_job_that_cannot_be_started_is_told(job, tmp_path: Path) -> None:
    executor = job("true")
    (tmp_path / "jobs").write_text("a file where the folder should be")
    with pytest.raises(RunError, match="oak: no job could be started"):
        executor.start(ORDER)
    executor.cancel()
