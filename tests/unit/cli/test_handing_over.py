from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from ictops.cli.handing_over import imaging_is_the_persons
from ictops.settings import Settings

NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("fails", [False, True])
def test_what_root_made_is_the_persons_who_called_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    monkeypatch.setenv("SUDO_GID", str(NOBODY))
    os.chown(tmp_path, NOBODY, NOBODY)
    made = tmp_path / "state/imaging/store/packs"
    settings = Settings(workspace=tmp_path, state_dir=Path("state"))
    with suppress(FileNotFoundError), imaging_is_the_persons(settings):
        made.mkdir(parents=True)
        if fails:
            (tmp_path / "no such recipe").read_text()
    owners = {path.stat().st_uid for path in (made, *made.parents) if tmp_path in path.parents}
    assert owners == {NOBODY}


def test_nothing_need_have_been_made(tmp_path: Path) -> None:
    with imaging_is_the_persons(Settings(workspace=tmp_path, state_dir=Path("state"))):
        pass
    assert not list(tmp_path.iterdir())
