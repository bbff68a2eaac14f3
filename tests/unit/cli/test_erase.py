"""``ictops erase``: the certificates that the journal holds, listed and as PDF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ictops.operations.certificate import as_record
from ictops.settings import load_settings
from ictops.store.certificates import Certificates
from ictops.store.journal import Journal
from tests.support.certificates import FROZEN, SSD, certificate
from tests.support.journals import make_run
from tests.unit.cli.conftest import Typed

OTHER = {"host": "oak-pc-08", "job": "12345678-0000-0000-0000-000000000002"}


@pytest.fixture
def run(typed: Typed) -> str:
    """A run with a PC that is erased and one that is not."""
    journal = Journal.open(load_settings().journal_url)
    run = make_run(journal)
    kept = Certificates(journal)
    kept.keep(as_record(certificate(SSD, run=run)))
    kept.keep(as_record(certificate(FROZEN, run=run, **OTHER)))
    journal.close()
    return run


def test_they_are_listed_with_what_became_of_the_disks(typed: Typed, run: str) -> None:
    said = typed("erase", "list", code=0).out.splitlines()
    assert [line.split()[:3] for line in said[1:]] == [
        ["oak-pc-08", "oakfield", "NOT"], ["oak-pc-07", "oakfield", "erased"],
    ]  # fmt: skip
    assert all(run in line for line in said[1:])
    assert "no certificates" in typed("erase", "list", "--site", "elmwood", code=0).out
    found = json.loads(typed("erase", "list", "--json", code=0).out)
    assert [one["erased"] for one in found] == [False, True]


def test_a_pdf_is_written_and_always_the_same(typed: Typed, run: str) -> None:
    said = typed("erase", "certificate", "oak-pc-07", "-o", "one.pdf", code=0).out
    assert said == "oak-pc-07: erased - written to one.pdf\n"
    assert typed("erase", "certificate", "oak-pc-08", code=0).out.startswith("oak-pc-08: NOT ERAS")
    said = typed("erase", "certificate", "oak-pc-07", "--run", run, "--json", code=0).out
    assert json.loads(said)["erased"] is True
    assert Path("one.pdf").read_bytes().startswith(b"%PDF-")
    assert Path("one.pdf").read_bytes() == Path("oak-pc-07.pdf").read_bytes()
    assert Path("oak-pc-08.pdf").is_file()


@pytest.mark.parametrize("words", [["oak-pc-99"], ["oak-pc-07", "--run", "nope"], ["../../x"]])
def test_what_is_not_there_is_told(typed: Typed, run: str, words: list[str]) -> None:
    said = typed("erase", "certificate", *words, code=1)
    assert f"{words[0]}: no certificate is kept for it" in said.err
    assert "ictops erase list" in said.err
    assert not list(Path.cwd().glob("*.pdf"))


def test_a_folder_that_is_not_there_is_told(typed: Typed, run: str) -> None:
    said = typed("erase", "certificate", "oak-pc-07", "-o", "gone/one.pdf", code=1)
    assert "No such file" in said.err
