"""What the collection reads from dpkg and apt."""

from __future__ import annotations

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import debian
from ansible_collections.ictops.schools.plugins.module_utils.debian import Installed


def test_only_what_is_installed_counts_and_a_hold_is_seen():
    text = (
        "gimp\t2.10.34-1\tamd64\tii \n"
        "firefox-esr\t128.3.0esr-1\tamd64\thi \n"
        "removed-but-configured\t1.0\tall\trc \n"
        "half-unpacked\t2.0\tall\tiU \n"
    )
    assert debian.read_installed(text) == {
        "gimp": Installed("2.10.34-1", "amd64"),
        "firefox-esr": Installed("128.3.0esr-1", "amd64", held=True),
    }


def test_a_version_of_several_sources_is_there_once_and_a_source_package_is_none():
    text = (
        " gimp | 2.10.38-1 | http://deb.example.org/debian trixie/main amd64 Packages\n"
        " gimp | 2.10.34-1+deb12u2 | http://deb.example.org/security bookworm/main amd64 Packages\n"
        " gimp | 2.10.34-1+deb12u2 | http://deb.example.org/debian bookworm/main amd64 Packages\n"
        " gimp | 2.10.34-1 | http://deb.example.org/debian bookworm/main Sources\n"
    )
    assert debian.read_available(text) == {"gimp": ["2.10.38-1", "2.10.34-1+deb12u2"]}


@pytest.mark.parametrize("name", ["tool_1:1.2.deb", "archives/tool_1%3a1.2_amd64.deb"])
def test_a_file_is_found_where_we_or_apt_kept_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(debian, "ARCHIVES", tmp_path / "archives")
    (tmp_path / "archives").mkdir()
    there = Installed("1:1.2", "amd64")
    assert debian.kept_file("tool", there, str(tmp_path)) == ""
    (tmp_path / name).touch()
    assert debian.kept_file("tool", there, str(tmp_path)) == str(tmp_path / name)
