"""``ictops inventory hardware``."""

from __future__ import annotations

import json

from ictops.settings import load_settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HardwareRecord
from tests.support.journals import NOW

DISK = {
    "path": "/dev/sda", "serial": "S-1", "model": "Fast [red]", "size": 256 * 10**9,
    "transport": "sata", "rotational": False, "removable": False,
}  # fmt: skip
PC = HardwareRecord(
    cluster="demo", host="oak-it1-01", site="oakfield", seen_at=NOW, uuid="", vendor="ACME",
    model="Desk\x1b[2J", serial="X", firmware="uefi", secure_boot=True, memory=8 * 10**9, macs=[],
    disks=[DISK],
)  # fmt: skip


def keep(*records: HardwareRecord) -> None:
    journal = Journal.open(load_settings().journal_url)
    Inventory(journal).record(records)
    journal.close()


def test_what_hosts_are_made_of_is_shown_and_acts_on_no_terminal(ictops, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    keep(PC)
    said = ictops("inventory", "hardware", "--site", "oakfield")
    assert "/dev/sda 256 GB" in said
    assert "Fast [red] S-1" in said
    assert "uefi, Secure Boot" in said
    assert "\x1b" not in said
    assert "7 hosts were never looked at" in said
    (one,) = json.loads(ictops("inventory", "hardware", "--json"))
    assert one["disks"][0]["serial"] == "S-1"


def test_only_what_was_asked_for_is_shown(ictops):
    keep(PC)
    assert json.loads(ictops("inventory", "hardware", "--site", "elmtree", "--json")) == []
    assert "oak-it1-01" in ictops("inventory", "hardware", "--limit", "oak-it1-01")
