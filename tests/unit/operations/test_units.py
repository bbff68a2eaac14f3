from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ictops.errors import IctopsError
from ictops.operations.schedule import write_units
from ictops.operations.units import Place, quoted, service
from ictops.settings import Settings

PLACE = Place(
    workspace=Path("/srv/our school 100%"),
    config=Path("/srv/our school 100%/ictops.toml"),
    writable=(Path("/srv/our school 100%/state"),),
    user="root",
)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_path_may_hold_blanks_and_percent_signs() -> None:
    found = lines(service(PLACE))
    assert "WorkingDirectory=/srv/our school 100%%" in found
    assert 'Environment="ICTOPS_CONFIG=/srv/our school 100%%/ictops.toml"' in found
    assert 'ReadWritePaths="-/srv/our school 100%%/state"' in found
    assert quoted('a "b" \\ %') == '"a \\"b\\" \\\\ %%"'


def test_a_user_s_own_timer_asks_for_nothing_that_only_the_system_can_give() -> None:
    found = "\n".join(lines(service(replace(PLACE, user=None, system=False))))
    for word in ("User=", "Protect", "Private", "Capability", "ReadWritePaths", "network-online"):
        assert word not in found
    assert "NoNewPrivileges=yes" in found


@pytest.mark.parametrize(("workspace", "home"), [("/srv/x", "yes"), ("/home/ann/x", "read-only")])
def test_homes_are_hidden_unless_something_needed_is_in_one(
    workspace: str, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prefix in ("prefix", "base_prefix"):
        monkeypatch.setattr(f"sys.{prefix}", "/opt/ictops")
    place = replace(PLACE, workspace=Path(workspace), writable=(Path("/srv"),), user="daemon")
    assert f"ProtectHome={home}" in lines(service(place))


def test_the_service_may_write_where_metrics_go_though_that_is_another_s(
    settings: Settings, tmp_path: Path
) -> None:
    metrics = tmp_path / "exporter" / "ictops.prom"
    place = write_units(settings.model_copy(update={"metrics_file": metrics}), tmp_path / "units")
    assert place.writable == (tmp_path / "state", tmp_path / "exporter")
    assert not metrics.parent.exists(), "the exporter makes it"


def test_what_the_user_could_not_use_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(IctopsError, match=r"no such user.*adduser --system"):
        write_units(settings, tmp_path, "nobody-by-this-name")
    settings.resolve(settings.state_dir).mkdir()
    somebody = "root" if Path(tmp_path).stat().st_uid else "daemon"
    with pytest.raises(IctopsError, match=f"belongs to somebody else.*chown -R {somebody}"):
        write_units(settings, tmp_path, somebody)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(IctopsError, match="only root"):
        write_units(settings, tmp_path, somebody)
