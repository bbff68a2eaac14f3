# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking for files in all snapshots of a repository, the newest first.

One restic for all of them: it walks through a folder that is the same in many snapshots, and has
nothing that is looked for, once. It tells what it finds as it goes, so that a pattern which fits
nearly everything is ended as soon as there is enough.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    SHOWN,
    Repository,
    ResticError,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    Snapshot,
    moment,
)

MOST = 1000
"""How many are told."""
_BEGIN = re.compile(rb'[\[,\s]*\{"matches":\[')
# What is quoted in a name has a backslash before the quotation mark: no name can look like this.
_END = re.compile(rb'\],"hits":\d+,"snapshot":"([0-9a-f]{64})"\}')
_LONGEST_END = 128


def find(
    repository: Repository, snapshots: Sequence[Snapshot], pattern: str, most: int = MOST
) -> tuple[list[dict], bool]:
    """Give what fits a pattern, newest first, and whether there is more.

    Names that are no UTF-8 have a replacement character where they are not.

    :param snapshots: where to look, newest first.
    :param pattern: of a name or a path, as Go's ``path/filepath.Match`` has it.
    :raises ResticError: if it cannot be looked for.
    """
    found: list[dict] = []
    # The newest alone: whose its files are is told at its end, and that may be a million files on.
    for these in (snapshots[:1], snapshots[1:]):
        if not these:
            continue
        by_id = {one.id: one for one in these}
        for name, files in _found(repository, list(by_id), pattern, most - len(found)):
            found += [_said(by_id[name], file) for file in files]
            if len(found) > most:
                return _sorted(found)[:most], True
    return _sorted(found), False


def _sorted(found: list[dict]) -> list[dict]:
    return sorted(found, key=lambda one: one["at"], reverse=True)


def _said(snapshot: Snapshot, file: dict) -> dict:
    return {
        "snapshot": snapshot.id,
        "host": snapshot.host,
        "set": snapshot.tags.get("set", ""),
        "at": snapshot.at.isoformat(),
        "path": file["path"],
        "type": file.get("type", ""),
        "size": file.get("size", 0),
        "mtime": moment(file["mtime"]).isoformat() if file.get("mtime") else "",
    }


def _found(
    repository: Repository, ids: Sequence[str], pattern: str, most: int
) -> Iterator[tuple[str, list[dict]]]:
    """Give, of each of these snapshots that has something, what it has: one more than asked for."""
    where = [word for one in ids for word in ("--snapshot", one)]
    with tempfile.TemporaryFile() as complained:
        restic = subprocess.Popen(
            repository.words("find", "--json", *NO_LOCK, *where, "--", pattern),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complained,
            **repository.process(),
        )
        told = _Told(most + 1)
        try:
            for chunk in iter(lambda: restic.stdout.read1(1 << 20), b""):
                told.data += chunk
                yield from told.read()
                if told.is_enough and len(ids) == 1:
                    yield ids[0], told.files
                    return
        finally:
            restic.kill()  # where it has not ended, enough was heard; it holds no lock
            restic.wait()
            restic.stdout.close()
        if restic.returncode > 0:
            complained.seek(0)
            said = complained.read().decode("utf-8", "replace").strip()[-SHOWN:]
            raise ResticError(restic.returncode, said or "restic said nothing")


@dataclass
class _Told:
    """What restic tells, as far as it has come: its list of lists is never whole in memory."""

    most: int
    data: bytes = b""
    files: list[dict] = field(default_factory=list)
    inside: bool = False

    @property
    def is_enough(self) -> bool:
        return len(self.files) >= self.most

    def read(self) -> Iterator[tuple[str, list[dict]]]:
        """Take what has come, and give the snapshots that are over."""
        while True:
            if not self.inside:
                begin = _BEGIN.match(self.data)
                if not begin:
                    return
                self.data, self.inside = self.data[begin.end() :], True
            if not self.is_enough:
                self._take()
            end = _END.search(self.data) if self.is_enough else _END.match(self.data)
            if not end:
                if self.is_enough:
                    self.data = self.data[-_LONGEST_END:]
                return
            self.data, self.inside = self.data[end.end() :], False
            files, self.files = self.files, []
            self.most -= len(files)
            yield end.group(1).decode(), files

    def _take(self) -> None:
        """Take the files that are whole."""
        whole = self.data.rfind(b"}") + 1  # no letter is cut in two there
        text, rest = self.data[:whole].decode("utf-8", "replace"), self.data[whole:]
        decoder, at = json.JSONDecoder(), 0
        while not self.is_enough:
            at = len(text) - len(text[at:].lstrip(", \n"))
            if text[at : at + 1] != "{":
                break
            try:
                one, at = decoder.raw_decode(text, at)
            except ValueError:
                break  # the rest of it is still to come
            self.files.append(one)
        self.data = text[at:].encode() + rest
