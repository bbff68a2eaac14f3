"""Bringing files back where pupils make links and move folders: root is led nowhere by them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import staging
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
)
from ansible_collections.ictops.schools.plugins.module_utils.restored import (
    PREFIX,
    PlaceError,
)

from tests.support.restored import CLASS, PUPIL, back, kept, left_in

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as restoring does")


def test_a_pupil_s_links_lead_nowhere(repository: Repository, home: Path, tmp_path: Path) -> None:
    snapshot = kept(repository, home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["rm", "-r", home / "work"], check=True)
    (home / "work").symlink_to(elsewhere)
    os.lchown(home / "work", PUPIL, CLASS)
    for what in (home / "work" / "one.txt", home / "work" / "deep" / "two.txt"):
        with pytest.raises(PlaceError, match="work is a link that is not root's"):
            back(repository, snapshot, what, overwrite=True)
    with pytest.raises(PlaceError, match="work is a link now and was a folder"):
        back(repository, snapshot, home, overwrite=True)
    with pytest.raises(PlaceError, match="work is a link that is not root's"):
        back(repository, snapshot, home / "essay.odt", home / "work")
    assert list(elsewhere.iterdir()) == []


def test_no_link_leads_out_of_the_folder(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    """Not even root's: whose name begins like the folder's is no better."""
    snapshot = kept(repository, home)
    out, other = tmp_path / "out", tmp_path / "out-other"
    out.mkdir()
    other.mkdir()
    (out / home.parts[1]).symlink_to(other)
    with pytest.raises(PlaceError, match="is in the way: it is no folder"):
        back(repository, snapshot, home / "essay.odt", out)
    assert list(other.iterdir()) == []
    assert left_in(out) == []


def test_root_s_own_links_are_followed(repository: Repository, home: Path, tmp_path: Path) -> None:
    (tmp_path / "by").symlink_to("homes")
    (tmp_path / "whole").symlink_to(home.parent)
    by = tmp_path / "by" / "ann" / "essay.odt"
    snapshot = kept(repository, by)
    (home / "essay.odt").unlink()
    assert back(repository, snapshot, by)["to"] == str(by)
    assert (home / "essay.odt").read_text() == "my essay"
    told = back(repository, snapshot, by, tmp_path / "whole" / "ann" / "back")
    assert Path(told["to"]).read_text() == "my essay"
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(PlaceError, match="round is one of too many links"):
        back(repository, snapshot, by, tmp_path / "round" / "x")
    (tmp_path / "gone").symlink_to("nothing/here")
    told = back(repository, snapshot, by, tmp_path / "gone")
    assert Path(told["to"]).read_text() == "my essay"


def test_a_pupil_moves_the_folder_meanwhile(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that is restored into is in theirs: what they put there is not taken for it."""
    snapshot = kept(repository, home)
    (home / "essay.odt").unlink()
    secret = tmp_path / "secret"
    secret.write_text("of root")
    real = staging.path_of
    done: list[Path] = []

    def moved(folder: int) -> str:
        for one in home.glob(f"{PREFIX}*"):
            if not done and any(one.iterdir()):
                one.rename(home / "mine")
                fake = Path(f"{one}{home}")
                fake.mkdir(parents=True)
                (fake / "essay.odt").symlink_to(secret)
                done.append(one)
        return real(folder)

    monkeypatch.setattr(
        "ansible_collections.ictops.schools.plugins.module_utils.restored.path_of", moved
    )
    back(repository, snapshot, home / "essay.odt")
    assert done
    assert not (home / "essay.odt").is_symlink()
    assert (home / "essay.odt").read_text() == "my essay"
    assert list((home / "mine").iterdir()) == []
