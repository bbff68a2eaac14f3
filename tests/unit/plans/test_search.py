from __future__ import annotations

from pathlib import Path

import pytest

from ictops.errors import SettingsError
from ictops.plans.search import SearchPath
from ictops.settings import Settings, content_dir


def search(workspace: Path) -> SearchPath:
    return SearchPath.of(Settings(workspace=workspace))


def test_ours_come_before_those_that_the_machine_has(tmp_path):
    found = search(tmp_path)
    assert found.roles[-1] == Path("/etc/ansible/roles")
    assert Path.home() / ".ansible/roles" in found.roles, "where ansible-galaxy puts them"
    assert found.roles.index(tmp_path / "roles") < found.roles.index(content_dir() / "roles")
    assert found.config == content_dir() / "ansible.cfg"


def test_the_workspaces_own_ansible_cfg_is_heeded(tmp_path):
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\nroles_path = mine:/srv/roles ; a word\ncollections_path = ~/theirs\n"
        "forks = %(odd)s\n"
    )
    found = search(tmp_path)
    assert found.roles[:3] == (tmp_path / "mine", Path("/srv/roles"), tmp_path / "roles")
    assert found.collections[0] == Path.home() / "theirs"
    assert found.config == tmp_path / "ansible.cfg"


@pytest.mark.parametrize("content", [b"no section\n", b"\xff\xfe"])
def test_an_ansible_cfg_that_is_none(tmp_path, content):
    (tmp_path / "ansible.cfg").write_bytes(content)
    with pytest.raises(SettingsError, match=r"ansible\.cfg cannot be read"):
        search(tmp_path)
