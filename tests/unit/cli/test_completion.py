"""TAB offers sites, hosts and clusters, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ictops.cli.app import app
from tests.unit.cli.conftest import Typed


def offered(line: str) -> list[str]:
    words = line.split(" ")
    environment = {
        "_ICTOPS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    result = CliRunner().invoke(app, env=environment, prog_name="ictops")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.output.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ictops site show ", ["elmtree", "oakfield", "rowan"]),
        ("ictops site show o", ["oakfield"]),
        ("ictops site trust ro", ["rowan"]),
        ("ictops site trust rowan --host row-sr", ["row-srv-01"]),
        ("ictops calendar show --site e", ["elmtree"]),
        ("ictops calendar show --cluster ", ["demo", "other"]),
        ("ictops inventory show oak-it", ["oak-it1-01", "oak-it1-02"]),
        ("ictops site show --cluster other ", ["alpha"]),
        ("ictops site show --cluster nowhere ", []),
        ("ictops inventory show x", []),
        ("ictops plan rollout x=1 --sites ", ["all", "elmtree", "oakfield", "rowan"]),
        ("ictops plan rollout x=1 --sites rowan,o", ["rowan,oakfield"]),
        ("ictops plan rollout x=1 --canary row-sr", ["row-srv-01"]),
        ("ictops run logs k3w9ab --host row-sr", ["row-srv-01"]),
        ("ictops run approve k3w9ab --site row", ["rowan"]),
    ],
)
def test_tab_offers(cluster: Path, line: str, wanted: list[str]) -> None:
    other = cluster.parent / "other"
    other.mkdir()
    (other / "alpha.yml").write_text("site_alpha: {hosts: {a-01: }}\n")
    assert offered(line) == wanted


def test_holidays_to_come_are_offered(cluster: Path) -> None:
    assert "Christmas holiday" in " ".join(offered("ictops plan rollout x=1 --in Chr"))


def test_runs_are_offered_and_no_journal_is_made_for_that(
    cluster: Path, typed: Typed, plan: Path
) -> None:
    journal = cluster.parents[1] / "state" / "journal.db"
    journal.unlink()
    assert offered("ictops run show ") == []
    assert not journal.exists()
    typed("apply", "plan.yml", "--no-wait", "--now", "--reason", "x", code=6)
    (run,) = json.loads(typed("run", "list", "--json", code=0).out)
    for command in ("show", "logs", "pause", "resume", "cancel", "approve"):
        assert offered(f"ictops run {command} {run['id'][:3]}") == [run["id"]]
    for part in journal.parent.glob("journal.db*"):
        part.write_bytes(b"no database")
    assert offered("ictops run show ") == []


def test_a_broken_inventory_offers_nothing(cluster: Path) -> None:
    (cluster / "rowan.yml").write_text("site_rowan: [\n")
    assert offered("ictops site show ") == []
    assert offered("ictops inventory show oak") == []


def test_broken_settings_offer_nothing(cluster: Path, tmp_path: Path) -> None:
    (tmp_path / "ictops.toml").write_text("cluster = \n")
    assert offered("ictops site show ") == []
    assert offered("ictops calendar show --cluster ") == []
