"""Drift of Windows hosts: nothing is asked of them, and their images are compared all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ictops.imaging.published import imaging_folder
from ictops.settings import load_settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HostImageRecord
from tests.support.journals import NOW
from tests.support.published import publish

OLD, NEW, BY_HAND = HOSTS = ["oak-pc-01", "oak-pc-02", "oak-pc-03"]


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A school of Windows PCs that are off; ictops has written an image to two of them."""
    (tmp_path / "ictops.toml").write_text('cluster = "t"\nstate_dir = "state"\n')
    monkeypatch.setenv("ICTOPS_CONFIG", str(tmp_path / "ictops.toml"))
    settings = load_settings()
    site = {
        "vars": {"site_name": "Oak", "site_phase": "primary"},
        "children": {
            "windows": {"hosts": {host: {"ansible_host": "192.0.2.1"} for host in HOSTS}},
            "workstations": {"children": {"windows": {}}},
        },
    }
    settings.cluster_dir.mkdir(parents=True)
    (settings.cluster_dir / "oak.yml").write_text(
        yaml.safe_dump({"all": {"children": {"oak": site}}})
    )
    for version in ("2026.1", "2026.2"):
        publish(imaging_folder(settings), "classroom", version)
    journal = Journal.open(settings.journal_url)
    Inventory(journal).record_images(
        HostImageRecord("t", host, "classroom", version, "ab" * 32, NOW)
        for host, version in {OLD: "2026.1", NEW: "2026.2"}.items()
    )
    journal.close()
    return tmp_path


def drift(school: Path, *words: str, code: int) -> tuple[Any, str]:
    """Run a command of drift, expect this exit code, and give what it tells, and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "ictops", "drift", *words, "--json"],
        cwd=school, env={**os.environ, "ICTOPS_CONFIG": str(school / "ictops.toml")}, text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else None, done.stderr


def test_the_image_of_a_windows_host_is_compared_and_nothing_is_asked_of_it(school: Path) -> None:
    told, said = drift(school, "check", code=9)
    assert "1 host left out" in said
    assert told["counts"] == {"clean": 1, "drift": 1, "unreachable": 0, "error": 0}
    assert (sorted(told["checked"]), told["not_checked"]) == ([OLD, NEW], [])
    assert told["kinds"] == {"image": {"clean": 1, "drift": 1}}, "no roles were compared with it"
    (group,) = told["groups"]
    assert (group["item"], group["hosts"]) == ("image classroom", [OLD])
    assert drift(school, "show", code=9)[0]["groups"] == [group]
    assert drift(school, "check", "--limit", NEW, code=0)[0]["counts"]["clean"] == 1


def test_where_no_image_is_known_there_is_nothing_to_compare(school: Path) -> None:
    _, said = drift(school, "check", "--limit", BY_HAND, code=3)
    assert "there is no host that this is for" in said
