"""Flatpak: what is masked, what a failure says, and that nothing done is not taken for done."""

from __future__ import annotations

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.flatpak import (
    Flatpak,
    FlatpakError,
    is_masked,
    short,
)

REF = "app/org.gimp.GIMP/x86_64/stable"
OLD, NEW = "0" * 64, "1" * 64


@pytest.mark.parametrize(
    ("mask", "fits"),
    [
        ("org.gimp.GIMP", True),
        ("org.gimp.*", True),
        ("*", True),
        ("app/org.gimp.GIMP/x86_64/stable", True),
        ("app/org.gimp.GIMP//stable", True),
        ("org.gimp.GIMP//stable", True),
        ("org.gimp.GIMP//beta", False),
        ("runtime/org.gimp.GIMP", False),
        ("org.gimp", False),
        ("org.kde.*", False),
    ],
)
def test_masks(mask, fits):
    assert is_masked(REF, ["org.other.App", mask]) is fits


class Host:
    """A host whose flatpak answers as it is told; ``update`` says whether it does anything."""

    def __init__(self, *, masked: bool) -> None:
        self.commit = OLD
        self.masked = masked

    def get_bin_path(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run_command(self, words: list[str], **_: object):
        match words[1]:
            case "info":
                return 0, f"flathub {self.commit}\n", ""
            case "update" if not self.masked:
                self.commit = NEW
        return 0, "Nothing to do.\n", ""


def test_a_commit_is_deployed_and_looked_at():
    host = Host(masked=False)
    Flatpak(host).deploy("flathub", REF, NEW)
    assert host.commit == NEW


def test_an_update_that_did_nothing_is_an_error():
    with pytest.raises(FlatpakError, match=f"still at {OLD[:12]}, not at {NEW[:12]}"):
        Flatpak(Host(masked=True)).deploy("flathub", REF, NEW)


def test_the_error_is_flatpaks_own_word(tmp_path):
    host = Host(masked=False)
    host.run_command = lambda *_, **__: (1, "", "Warning: slow\nerror: No such ref\nHint: none\n")
    with pytest.raises(FlatpakError, match=r"^No such ref$"):
        Flatpak(host).resolve("flathub", REF)


def test_a_commit_is_shown_short_and_a_branch_whole():
    assert (short(NEW), short("24.08")) == ("111111111111", "24.08")
