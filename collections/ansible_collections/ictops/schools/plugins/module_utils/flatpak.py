# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flatpak applications of the whole system, by what the flatpak command says."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

COMMIT = re.compile(r"[0-9a-f]{64}")
"""An OSTree commit: a SHA-256 in hex."""


class FlatpakError(Exception):
    """Flatpak refused; the text is its own."""


class Flatpak:
    """The flatpak command of this host."""

    def __init__(self, module) -> None:
        self._module = module
        self._binary = module.get_bin_path("flatpak")

    @property
    def there(self) -> bool:
        """Whether the host has flatpak at all."""
        return self._binary is not None

    def ref(self, name: str, branch: str) -> str:
        """Give an application's full ref, for this host's architecture."""
        arch = self.ask("--default-arch") if self.there else "*"
        return f"app/{name}/{arch}/{branch}"

    def installed(self, ref: str) -> tuple[str, str]:
        """Give the commit that is installed and the remote it is from; empty where none is."""
        try:
            words = ("info", "--system", "--show-origin", "--show-commit", ref)
            origin, commit = self.ask(*words).split()
        except FlatpakError:
            return "", ""
        return commit, origin

    def remotes(self) -> list[str]:
        """Give the names of the configured remotes."""
        return self.ask("remotes", "--system", "--columns=name").split() if self.there else []

    def masks(self) -> list[str]:
        """Give the patterns of what must not be updated ('flatpak mask')."""
        words = self.ask("mask", "--system").split() if self.there else []
        return [word for word in words if "." in word]  # else it is "No masked patterns"

    def resolve(self, remote: str, ref: str, commit: str = "") -> str:
        """Give the newest commit of a ref at its remote, or check that this one is there.

        :raises FlatpakError: if it is not.
        """
        pinned = (f"--commit={commit}",) if commit else ()
        return self.ask("remote-info", "--system", "--show-commit", *pinned, remote, ref)

    def deploy(self, remote: str, ref: str, commit: str) -> None:
        """Install a ref, or update it, to exactly this commit.

        'flatpak install' knows no commit, so what is not there yet comes at its newest and
        is then brought to the wanted one; they share what is the same in both.

        :raises FlatpakError: if it cannot be done, or flatpak did nothing and said nothing,
            as it does for an application that is masked.
        """
        quiet = ("--system", "--noninteractive")
        if not self.installed(ref)[0]:
            self.ask("install", *quiet, remote, ref)
        if self.installed(ref)[0] != commit:
            self.ask("update", *quiet, f"--commit={commit}", ref)
        there = self.installed(ref)[0]
        if there != commit:
            raise FlatpakError(f"{ref} is still at {short(there)}, not at {short(commit)}")

    def remove(self, ref: str) -> None:
        """Take an application away; its runtime stays, for others may need it.

        :raises FlatpakError: if it cannot be done.
        """
        self.ask("uninstall", "--system", "--noninteractive", ref)

    def ask(self, *words: str) -> str:
        """Run flatpak and give what it prints.

        :raises FlatpakError: with its last words if it fails.
        """
        code, out, err = self._module.run_command(
            [self._binary, *words], environ_update={"LC_ALL": "C.UTF-8"}
        )
        if code != 0:
            lines = err.strip().splitlines() or out.strip().splitlines() or [f"exit code {code}"]
            errors = [line for line in lines if line.startswith("error: ")]
            raise FlatpakError((errors or lines)[-1].removeprefix("error: "))
        return out.strip()


def short(commit: str) -> str:
    """Give a commit as flatpak's own lists show it."""
    return commit[:12] if COMMIT.fullmatch(commit) else commit


def is_masked(ref: str, masks: list[str]) -> bool:
    """Whether one of these patterns of 'flatpak mask' is for this ref.

    A pattern may leave out the kind and what is at its end; what is left out fits all, and
    a star does not reach over a slash.
    """
    parts = ref.split("/")
    for mask in masks:
        pattern = mask.split("/")
        wanted = pattern if pattern[0] in {"app", "runtime"} else ["*", *pattern]
        if all(
            not glob or fnmatchcase(part, glob) for part, glob in zip(parts, wanted, strict=False)
        ):
            return True
    return False
