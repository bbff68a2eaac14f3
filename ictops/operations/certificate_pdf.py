"""A certificate of erasure as a PDF: the same certificate is always the same bytes.

What hardware says of itself, and what people are called, is text and nothing else. A character
that the font does not have, or that steers (controls, marks that turn the direction of writing),
is shown by its number.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from ictops.imaging.wire.said import Erased
from ictops.imaging.wire.words import moment
from ictops.operations.certificate import Certificate, is_erased

FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
LONGEST = 300
"""Characters of one value; a school's name is shorter, and hardware could say anything."""
MARGIN = 18
LABEL = 42
GREEN, RED, GREY = (22, 101, 52), (176, 16, 16), (90, 90, 90)
MEANING = (
    "Clear and purge are the words of NIST SP 800-88 (revision 2; IEEE 2883 for the methods). "
    "Clear protects against software that reads the disk. Purge, a drive's own sanitize command, "
    "protects against a laboratory as well. Places were read back at random from all parts of a "
    "disk, and its first and last MiB: proof that the drive did what it says, not a reading of "
    "every byte, unless the method says so."
)


def as_pdf(certificate: Certificate, digest: str) -> bytes:
    """Give a certificate as a PDF.

    :param digest: of the certificate in the journal, by which the paper is compared with it.
    """
    pdf = _Page(digest)
    pdf.headline(certificate)
    pdf.facts(
        [
            ("School", f"{certificate.school} ({certificate.site}, {certificate.cluster})"),
            ("Asset", certificate.host),
            ("Model", f"{certificate.vendor} {certificate.model}".strip()),
            ("Serial number", certificate.serial),
            ("MACs, UUID", ", ".join((*certificate.macs, certificate.uuid))),
            ("Planned by", f"{certificate.planned_by}, {_time(certificate.planned_at)}"),
            *(("Approved by", f"{one.by}, {_time(one.at)}") for one in certificate.approved),
            *([] if certificate.approved else [("Approved by", "nobody")]),
            ("Ended", _time(certificate.ended)),
            ("Run, job", f"{certificate.run}, {certificate.job}"),
            ("Plan", certificate.plan),
            *([("Trouble", certificate.message)] if certificate.message else []),
            *(("Note", note) for note in certificate.notes),
        ]
    )
    for number, disk in enumerate(certificate.disks, 1):
        pdf.disk(number, disk)
    told = {disk.serial for disk in certificate.disks}
    for serial in certificate.named:
        if serial not in told:
            pdf.verdict(f"Disk {serial}: NOT ERASED. The PC said nothing of it.", RED, 11)
    pdf.meaning(certificate)
    pdf.set_creation_date(moment(certificate.ended))
    return bytes(pdf.output())


class _Page(FPDF):
    def __init__(self, digest: str) -> None:
        super().__init__(format="A4")
        self._digest = digest
        self.add_font("DejaVu", fname=FONT)
        self._known = frozenset(self.fonts["dejavu"].cmap)  # type: ignore[union-attr]
        self.set_title("Certificate of erasure")
        self.alias_nb_pages("")  # or "{nb}" in a name would become a number
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=True, margin=22)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-17)
        self._write(f"Record in the journal: SHA-256 {self._digest}", 7, GREY)
        self._write(f"Page {self.page_no()}", 7, GREY)

    def headline(self, certificate: Certificate) -> None:
        self._write("Certificate of erasure", 20)
        self.ln(2)
        total = len({*certificate.named, *(disk.serial for disk in certificate.disks)})
        if certificate.erased:
            disks = "its disk was" if total == 1 else f"all {total} disks were"
            self.verdict(f"ERASED: {disks} erased and read back", GREEN, 15)
        else:
            self.verdict("NOT ERASED", RED, 28)
            good = sum(map(is_erased, certificate.disks))
            self._write(f"{good} of {total} disks erased.", 12, RED)
            self._write("Do not let this PC leave the school with its disks.", 12, RED)
        self.ln(3)

    def verdict(self, text: str, colour: tuple[int, int, int], size: int) -> None:
        self.set_fill_color(*colour)
        self._write(text, size, (255, 255, 255), fill=True)

    def facts(self, facts: list[tuple[str, str]]) -> None:
        for label, value in facts:
            if self.will_page_break(6):
                self.add_page()
            self.set_font("DejaVu", size=9)
            self.set_text_color(*GREY)
            self.cell(LABEL, 5, label)
            self._write(value or "not known", 9)

    def disk(self, number: int, disk: Erased) -> None:
        if self.will_page_break(58):
            self.add_page()
        self.ln(3)
        good = is_erased(disk)
        self.verdict(
            f"Disk {number}: {'erased' if good else 'NOT ERASED'}", GREEN if good else RED, 11
        )
        self.ln(1)
        self.facts(
            [
                ("Serial number", disk.serial),
                ("Model", disk.model),
                ("Size", f"{disk.size / 1e9:.1f} GB ({disk.size:,} bytes)"),
                ("Method", disk.method or "none"),
                *([("Carried out by", disk.tool or "ictops")] if disk.method else []),
                *([] if good else [("Why not", disk.fault or "it was not verified")]),
                ("Read back", f"{disk.verified} places, as they must be"),
                ("Held data before", f"{disk.changed} of these places"),
                ("Begun, ended", f"{_time(disk.began)}, {_time(disk.ended)}"),
            ]
        )

    def meaning(self, certificate: Certificate) -> None:
        self.ln(4)
        self._write(MEANING, 8, GREY)
        self._write(f"Written down by ictops {certificate.ictops}.", 8, GREY)

    def _write(
        self, text: str, size: int, colour: tuple[int, int, int] = (0, 0, 0), *, fill: bool = False
    ) -> None:
        self.set_font("DejaVu", size=size)
        self.set_text_color(*colour)
        self.multi_cell(
            0, size * 0.55, self._shown(text), align="L", fill=fill, wrapmode=WrapMode.WORD,
            new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        )  # fmt: skip

    def _shown(self, text: str) -> str:
        whole = unicodedata.normalize("NFC", text)
        cut = whole if len(whole) <= LONGEST or text == MEANING else whole[:LONGEST] + "…"
        return "".join(
            one
            if one == " " or (ord(one) in self._known and one.isprintable())
            else f"<U+{ord(one):04X}>"
            for one in cut
        )


def _time(text: str) -> str:
    try:
        return f"{moment(text):%d %b %Y %H:%M:%S} UTC"
    except ValueError:
        return text
