from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from ansible_mitogen.loaders import ANSIBLE_VERSION_MIN

from ictops.running.strategy import OLDEST_CORE, plugins_folder, strategy_settings


def having(**versions: str):
    def installed(package: str) -> str:
        name = package.replace("-", "_")
        if name not in versions:
            raise PackageNotFoundError(package)
        return versions[name]

    return installed


def test_mitogen_as_installed_here_is_used_without_a_word() -> None:
    found = strategy_settings("mitogen")
    assert found.name == "mitogen"
    assert found.warning is None
    strategy = Path(found.env["ANSIBLE_STRATEGY_PLUGINS"]) / "mitogen_linear.py"
    assert found.env["ANSIBLE_STRATEGY"] == strategy.stem
    assert strategy.is_file()


def test_linear_is_linear_even_without_mitogen() -> None:
    found = strategy_settings("linear", installed=having())
    assert (found.name, found.warning) == ("linear", None)
    assert found.env["ANSIBLE_STRATEGY"] == "ansible.builtin.linear"


@pytest.mark.parametrize(
    ("versions", "word"),
    [
        ({"ansible_core": "2.19.14"}, "not installed"),
        ({"ansible_core": "2.19.14", "mitogen": "0.3.29"}, "older than 0.3.50"),
        ({"ansible_core": "2.22.0", "mitogen": "0.3.54"}, "ansible-core 2.22.0"),
        ({"ansible_core": "2.22.0rc1", "mitogen": "0.3.54"}, "ansible-core 2.22.0rc1"),
        ({"ansible_core": "3.0", "mitogen": "0.3.54"}, "ansible-core 3.0"),
        ({"ansible_core": "2.9.27", "mitogen": "0.3.54"}, "ansible-core 2.9.27"),
    ],
)
def test_falls_back_to_linear_with_a_word(versions: dict[str, str], word: str) -> None:
    found = strategy_settings("mitogen", installed=having(**versions))
    assert found.name == "linear"
    assert found.env == {"ANSIBLE_STRATEGY": "ansible.builtin.linear"}
    assert found.warning is not None
    assert word in found.warning


@pytest.mark.parametrize("core", ["2.10.0", "2.19.14", "2.21.0b2", "2.21.9"])
def test_mitogen_serves_the_cores_that_it_was_made_for(core: str) -> None:
    found = strategy_settings("mitogen", installed=having(ansible_core=core, mitogen="0.3.54"))
    assert (found.name, found.warning) == ("mitogen", None)


def test_falls_back_when_the_strategies_are_missing() -> None:
    found = strategy_settings(
        "mitogen",
        installed=having(ansible_core="2.19.14", mitogen="0.3.54"),
        plugins=lambda: None,
    )
    assert found.name == "linear"
    assert found.warning is not None


def test_a_strategy_that_nobody_knows_is_linear_with_a_word() -> None:
    found = strategy_settings("turbo")
    assert found.name == "linear"
    assert "turbo" in (found.warning or "")


def test_mitogen_keeps_its_own_oldest_core_where_we_say_it_is() -> None:
    assert ANSIBLE_VERSION_MIN == OLDEST_CORE


def test_the_strategies_are_found_without_importing_mitogen() -> None:
    folder = plugins_folder()
    assert folder is not None
    assert folder.name == "strategy"
