from __future__ import annotations

from pathlib import Path

import pytest

from ictops.errors import ImageError
from ictops.imaging.images.debian import command_line, sources_of
from ictops.imaging.images.recipe import Recipe, read_recipe


def test_nothing_said_is_a_plain_debian(tmp_path: Path) -> None:
    (tmp_path / "recipe.yml").write_text("# nothing\n")
    read = read_recipe(tmp_path / "recipe.yml")
    assert read == Recipe()
    assert (read.suite, read.account, read.disk_bytes) == ("bookworm", "ansible", 4 * 2**30)


def test_what_is_said_is_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.yml").write_text(
        "suite: noble\nsystem: ubuntu\nmirror: http://mirror.example/ubuntu\n"
        "components: [main, universe]\npackages: [vim]\nsize: 900M\nfirmware: [uefi]\n"
        "console: ttyS0\nwithout: [/usr/share/doc/*]\n"
    )
    read = read_recipe(tmp_path / "recipe.yml")
    assert read.disk_bytes == 900 * 2**20
    assert read.without == ("/usr/share/doc/*",)
    assert sources_of(read) == ["deb http://mirror.example/ubuntu noble main universe"]
    assert command_line(read, "u") == "root=UUID=u ro quiet console=tty0 console=ttyS0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pakages: [vim]", "pakages"),
        ("packages: ['vim; reboot']", "packages.0"),
        ("packages: ['--simulate']", "packages.0"),
        ("account: 'a b'", "account"),
        ("account: '$(reboot)'", "account"),
        ("suite: ../x", "suite"),
        ("mirror: 'file:///etc'", "mirror"),
        ("mirror: 'http://a b'", "mirror"),
        ("console: 'ttyS0 init=/bin/sh'", "console"),
        ("without: ['/etc/*']", "without.0"),
        ("without: ['/usr/share/doc/* \\n']", "without.0"),
        ("size: 0G", "size"),
        ("size: 4", "size"),
        ("firmware: []", "firmware"),
        ("firmware: [uefi, bogus]", "firmware.1"),
        ("- a list", "whole"),
        ("a: [", "no YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "recipe.yml").write_text(text)
    with pytest.raises(ImageError, match=said):
        read_recipe(tmp_path / "recipe.yml")


def test_no_recipe_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such recipe"):
        read_recipe(tmp_path / "recipe.yml")


def test_a_release_that_apt_does_not_know_wants_a_mirror() -> None:
    with pytest.raises(ImageError, match="no mirror of nosuch"):
        sources_of(Recipe(suite="nosuch"))
