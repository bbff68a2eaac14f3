from __future__ import annotations

import pytest

from ictops.running.strategy import strategy_settings
from ictops.settings import content_dir


def test_resident_is_used_with_the_ansible_that_is_installed_here() -> None:
    found = strategy_settings("resident")
    assert (found.name, found.warning) == ("resident", None)
    collection, _, plugin = found.env["ANSIBLE_STRATEGY"].rpartition(".")
    folder = content_dir() / "collections" / "ansible_collections" / collection.replace(".", "/")
    assert (folder / "plugins" / "strategy" / f"{plugin}.py").is_file()


def test_linear_is_linear_without_a_word() -> None:
    found = strategy_settings("linear", core="2.30.0")
    assert (found.name, found.warning) == ("linear", None)
    assert found.env["ANSIBLE_STRATEGY"] == "ansible.builtin.linear"


@pytest.mark.parametrize("core", ["2.18.9", "2.20.0", "2.21.0rc1", "2.190.0", "3.0"])
def test_another_ansible_falls_back_to_linear_with_a_word(core: str) -> None:
    found = strategy_settings("resident", core=core)
    assert found.name == "linear"
    assert found.env == {"ANSIBLE_STRATEGY": "ansible.builtin.linear"}
    assert f"ansible-core {core}" in str(found.warning)
