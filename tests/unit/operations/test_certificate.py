"""What a certificate says, and what it never says."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from ictops.errors import RunError
from ictops.imaging.wire import strict
from ictops.imaging.wire.said import Disk, End, Erased, Hardware
from ictops.operations import certificate_pdf
from ictops.operations.certificate import (
    Certificate,
    as_record,
    newest,
    read,
    record_certificates,
)
from ictops.operations.certificate_pdf import as_pdf
from ictops.operations.hardware import ERASE_VARIABLE
from ictops.plans.model import Plan
from ictops.store.journal import Journal
from tests.support.certificates import FROZEN, HDD, JOB, SSD, certificate
from tests.support.compared import carried
from tests.support.scripted import BEGIN, journalled, small_plan

pytestmark = pytest.mark.imaging

UUID = "4c4c4544-0058-4b10-8032-b5c04f4a3358"
END = BEGIN + timedelta(hours=1)


def text_of(made: Certificate) -> str:
    pdf = as_pdf(made, as_record(made).digest)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return " ".join("\n".join(pages).split())


def erased_plan(**extra_vars: object) -> Plan:
    plan = small_plan({"oak": [["oak-1"]]})
    named = extra_vars or {ERASE_VARIABLE: {"oak-1": [SSD.serial, HDD.serial]}}
    return plan.model_copy(update={"operation": "erase", "extra_vars": named})


def watched(end: End | dict[str, object] | None, **more: object) -> dict[str, object]:
    """What the module ``imaging_job`` says of a job that is over."""
    disk = Disk("/dev/nvme0n1", SSD.serial, SSD.model, SSD.size, "nvme", False, False)
    hardware = Hardware(
        "Dell Inc.", "OptiPlex", "5XK2J3", "uefi", True, 8 << 30, (disk,), ("52:54:00:00:00:07",)
    )
    said = json.loads(strict.dumps(end)) if isinstance(end, End) else end
    seen = {"hardware": json.loads(strict.dumps(hardware)), "uuid": UUID, "at": END.isoformat()}
    told = {"id": JOB, "stage": "ended", "over": True, "end": said, "ictops_hardware": seen}
    return {**told, **more}


def run_of(journal: Journal, result: dict[str, object] | None, plan: Plan | None = None) -> str:
    run = journalled(journal, plan or erased_plan())
    journal.approve(journal.run(run).plan_digest, by="bob", at=BEGIN)
    carried(journal, run, {"oak-1": result}, END)
    return run


def recorded(journal: Journal, run: str) -> list[Certificate]:
    names = {"oak": "Oak School"}
    return [read(one) for one in record_certificates(journal, journal.run(run), names)]


def test_what_a_pc_said_is_kept_with_who_wanted_it_and_who_approved(journal: Journal) -> None:
    run = run_of(journal, watched(End("done", erased=(SSD, HDD), notes=("a stick",))))
    (made,) = recorded(journal, run)
    assert made.erased
    assert (made.planned_by, made.plan, made.run) == ("ann", journal.run(run).plan_digest, run)
    assert [(one.by, one.at) for one in made.approved] == [("bob", BEGIN.isoformat())]
    assert (made.disks, made.notes, made.ended) == ((SSD, HDD), ("a stick",), END.isoformat())
    assert (made.vendor, made.serial, made.uuid) == ("Dell Inc.", "5XK2J3", UUID)
    assert (made.school, made.macs) == ("Oak School", ("52:54:00:00:00:07",))
    record = newest(journal, "demo", "oak-1")
    assert (record.erased, record.run_id, record.site) == (True, run, "oak")
    assert read(newest(journal, "demo", "oak-1", run)) == made
    assert recorded(journal, run) == [made], "once more changes nothing"


def test_a_second_word_about_a_job_changes_nothing(journal: Journal) -> None:
    failed = End("failed", "not-erased", "no", erased=(SSD, FROZEN))
    (first,) = recorded(journal, run_of(journal, watched(failed)))
    assert (first.erased, first.message) == (False, "no")
    assert recorded(journal, run_of(journal, watched(End("done", erased=(SSD, HDD))))) == [first]


def test_a_disk_that_the_plan_names_and_the_pc_does_not_is_not_erased(journal: Journal) -> None:
    (made,) = recorded(journal, run_of(journal, watched(End("done", erased=(SSD,)))))
    assert not made.erased
    assert f"Disk {HDD.serial}: NOT ERASED" in text_of(made)


def test_a_plan_that_names_no_disk_erased_none(journal: Journal) -> None:
    said = watched(End("done", erased=(SSD,)))
    (made,) = recorded(journal, run_of(journal, said, erased_plan(other=1)))
    assert not made.erased


def test_words_that_were_not_agreed_on_are_told_as_not_erased(journal: Journal) -> None:
    (made,) = recorded(journal, run_of(journal, watched({"outcome": "done", "erased": "all"})))
    assert not made.erased
    assert "not as agreed on: end.erased: a list is wanted" in text_of(made)


@pytest.mark.parametrize("result", [None, watched(None), watched(End("done"), id="../../x")])
def test_without_a_pcs_last_word_there_is_no_certificate(
    journal: Journal, result: dict[str, object] | None
) -> None:
    assert recorded(journal, run_of(journal, result)) == []
    with pytest.raises(RunError, match="oak-1: no certificate is kept for it"):
        newest(journal, "demo", "oak-1")


@pytest.mark.parametrize(
    "made",
    [
        certificate(SSD, FROZEN),
        certificate(SSD, replace(HDD, fault="1 of 102 places still holds data")),
        certificate(SSD, replace(HDD, verified=0)),
        certificate(SSD, replace(HDD, method="")),
        certificate(SSD, replace(HDD, erased=False)),
        certificate(SSD, named=(SSD.serial, "NEVER-TOLD-OF")),
        certificate(SSD, message="the server is gone"),
        certificate(),
    ],
)
def test_it_never_says_erased_if_anything_failed(made: Certificate) -> None:
    assert not made.erased
    assert not as_record(made).erased
    text = text_of(made)
    assert "Certificate of erasure NOT ERASED" in text
    assert "Do not let this PC leave the school with its disks." in text
    assert "erased and read back" not in text


def test_everything_that_an_auditor_asks_for_is_on_it() -> None:
    made = certificate(SSD, HDD, notes=("left alone, as it is no fixed disk: Stick 1",))
    text = text_of(made)
    for wanted in (
        "ERASED: all 2 disks were erased and read back", "Oakfield Primary School (oakfield",
        "oak-pc-07", "Dell Inc. OptiPlex 7010", "5XK2J3", "52:54:00:00:00:07", made.uuid,
        "ann, 20 Oct 2026 08:00:00 UTC", "bob, 21 Oct 2026 08:00:00 UTC", "abc23", JOB, "d" * 64,
        SSD.serial, SSD.model, "500.1 GB (500,107,862,016 bytes)", SSD.method, SSD.tool,
        "102 places", "71 of these places", "26 Oct 2026 09:00:00 UTC, 26 Oct 2026 09:02:10 UTC",
        HDD.serial, HDD.method, "NIST SP 800-88", "Stick 1", as_record(made).digest,
    ):  # fmt: skip
        assert wanted in text, wanted
    assert "NOT ERASED" not in text
    text = text_of(certificate(SSD, FROZEN, approved=()))
    for wanted in ("1 of 2 disks erased", "Disk 2: NOT ERASED", FROZEN.fault, "Approved by nobody"):
        assert wanted in text, wanted
    assert "its disk was erased and read back" in text_of(certificate(SSD))
    silent = text_of(certificate(SSD, named=(SSD.serial, "GONE-1")))
    assert "Disk GONE-1: NOT ERASED. The PC said nothing of it." in silent


def test_the_same_certificate_is_the_same_bytes() -> None:
    made = certificate(SSD, HDD)
    record = as_record(made)
    again = read(replace(record, data=json.dumps(json.loads(record.data), indent=1)))
    assert as_record(again) == record
    assert as_pdf(made, record.digest) == as_pdf(again, record.digest)
    other = as_record(certificate(SSD, replace(HDD, changed=13)))
    assert other.digest != record.digest


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Ysgol Tŷ Gwŷr, Łódź", "Ysgol Tŷ Gwŷr, Łódź"),
        ("Школа Ελλάδα", "Школа Ελλάδα"),
        ("中 DISK", "<U+4E2D> DISK"),
        ("a\x1b[31mb\x00c", "a<U+001B>[31mb<U+0000>c"),
        ("a\nERASED", "a<U+000A>ERASED"),
        ("a\u202edesare", "a<U+202E>desare"),
        (") Tj ET (x", ") Tj ET (x"),
        ("**bold** --x--", "**bold** --x--"),
        ("{nb}", "{nb}"),
    ],
)
def test_what_hardware_says_is_text_and_nothing_else(said: str, shown: str) -> None:
    made = certificate(replace(FROZEN, model=said), school=said)
    text = text_of(made)
    assert text.count(shown) == 2, text
    assert read(as_record(made)) == made
    assert as_record(made).data.isascii()


def test_a_value_without_end_is_cut_and_many_disks_take_many_pages() -> None:
    text = text_of(certificate(replace(SSD, model="x" * 5000)))
    assert "x" * 10 in text
    assert text.count("x") < 400
    disks = [replace(SSD, serial=f"SN-{n:03}") for n in range(30)]
    made = certificate(*disks)
    text = text_of(made)
    assert all(disk.serial in text for disk in disks)
    reader = PdfReader(io.BytesIO(as_pdf(made, "d")))
    assert len(reader.pages) > 4
    assert all("SHA-256" in page.extract_text() for page in reader.pages)


words = st.text(max_size=40)


@settings(max_examples=40, deadline=None)
@given(model=words, fault=words, school=words, note=words)
def test_no_words_keep_it_from_being_made(model: str, fault: str, school: str, note: str) -> None:
    disk = replace(FROZEN, model=model, fault=fault, began=note)
    made = certificate(disk, school=school, notes=(note,))
    pdf = as_pdf(made, "d")
    assert len(PdfReader(io.BytesIO(pdf)).pages) >= 1
    assert strict.loads(Certificate, as_record(made).data) == made


def test_the_font_is_there_with_its_licence() -> None:
    assert certificate_pdf.FONT.is_file()
    assert "Bitstream" in certificate_pdf.FONT.with_name("LICENSE").read_text()
    assert {field.name for field in dataclasses.fields(Erased)} >= {"tool", "changed"}
