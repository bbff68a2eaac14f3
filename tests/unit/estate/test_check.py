"""Every fault of a cluster is found in one run, at its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.clusters import make_cluster
from ictops.estate.check import check_cluster
from ictops.estate.load import load_cluster
from ictops.estate.select import select

FAULTY = Path(__file__).parents[2] / "data" / "estate" / "faulty"


@pytest.mark.parametrize(
    ("file", "line", "what"),
    [
        ("alpha.yml", 4, "MAC 02:00:00:00:00:01"),
        ("alpha.yml", 4, "outside"),
        ("alpha.yml", 5, "no MAC address"),
        ("alpha.yml", 5, "address 198.18.9.1"),
        ("alpha.yml", 6, "of no kind"),
        ("group_vars/all.yml", 1, "vaulted"),
    ],
)
def test_each_fault_is_found_where_it_is(file: str, line: int, what: str) -> None:
    faults = check_cluster(FAULTY, vault_set=False)
    assert any((f.file, f.line) == (file, line) and what in f.what for f in faults), faults


def test_broken_yaml_does_not_hide_other_faults() -> None:
    files = {fault.file for fault in check_cluster(FAULTY, vault_set=True)}
    assert files == {"alpha.yml", "beta.yml"}


def test_nothing_in_an_inventory_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_cluster(FAULTY, vault_set=False)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "alpha.yml").write_bytes((FAULTY / "alpha.yml").read_bytes())
    hosts = load_cluster(copy, tmp_path / "cache").hosts("alpha")
    assert [host.name for host in hosts] == ["a-01", "a-02", "a-03", "a-04"]
    assert not (tmp_path / "rendered").exists()


def test_index_is_private_and_made_again_when_broken(tmp_path: Path) -> None:
    make_cluster(tmp_path / "c", 2, 40)
    assert check_cluster(tmp_path / "c", vault_set=False) == []
    before = select(load_cluster(tmp_path / "c", tmp_path / "cache"))
    index = next((tmp_path / "cache").rglob("s000.json"))
    assert index.stat().st_mode & 0o777 == 0o600
    index.write_text("{")
    assert select(load_cluster(tmp_path / "c", tmp_path / "cache")) == before
    assert sum(map(len, before.values())) == 80
