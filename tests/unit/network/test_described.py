"""A switch as an inventory describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ictops.errors import SwitchError
from ictops.network.described import Described


def variables(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "inventory_file": str(folder / "oak.yml"),
        "switch_platform": "cisco_ios",
        "ansible_user": "admin",
        **more,
    }


def test_what_is_not_said_is_usual(tmp_path: Path) -> None:
    device = Described().device("oak-sw-01", variables(tmp_path))
    assert (device.site, device.address, device.port) == ("oak", "oak-sw-01", 22)
    assert (device.password, device.enable, device.key_file) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"switch_platform": ""}, "oak-sw-01: switch_platform is not set"),
        ({"ansible_user": None}, "oak-sw-01: ansible_user is not set"),
        ({"ansible_port": "ssh"}, "oak-sw-01: ansible_port is no number: ssh"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    with pytest.raises(SwitchError, match=why):
        Described().device("oak-sw-01", variables(tmp_path, **said))
