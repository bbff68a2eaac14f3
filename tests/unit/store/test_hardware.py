from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ictops.store.hardware import Inventory
from ictops.store.records import HardwareRecord, HostImageRecord
from tests.support.journals import NOW

DISK = {
    "path": "/dev/nvme0n1", "serial": "S1", "model": "Fast", "size": 256 * 10**9,
    "transport": "nvme", "rotational": False, "removable": False,
}  # fmt: skip
PC = HardwareRecord(
    cluster="demo", host="oak-it1-01", site="oakfield", seen_at=NOW,
    uuid="11111111-2222-3333-4444-555555555555", vendor="ACME", model="Desk 1", serial="X1",
    firmware="uefi", secure_boot=True, memory=2**33, macs=["02:00:00:00:00:01"], disks=[DISK],
)  # fmt: skip
IMAGE = HostImageRecord("demo", "oak-it1-01", "pc", "2026.1", "ab" * 32, NOW)
LATER = NOW + timedelta(hours=1)


def test_what_a_host_is_made_of_is_kept_and_the_newest_holds(journal):
    inventory = Inventory(journal)
    inventory.record([PC, replace(PC, host="elm-1", site="elmtree")])
    inventory.record([replace(PC, seen_at=LATER, memory=2**34)])
    inventory.record([replace(PC, seen_at=NOW - timedelta(days=9), memory=1)])
    elm, oak = inventory.of("demo")
    assert (elm.host, elm.memory) == ("elm-1", 2**33)
    assert oak == replace(PC, seen_at=LATER, memory=2**34)
    assert inventory.of("other") == []


def test_the_image_of_a_host_is_the_one_that_was_written_last(journal):
    inventory = Inventory(journal)
    inventory.record_images([IMAGE])
    inventory.record_images([replace(IMAGE, version="2026.2", written_at=LATER)])
    inventory.record_images([IMAGE])
    assert [one.version for one in inventory.images("demo")] == ["2026.2"]


def test_what_pcs_say_of_themselves_is_kept_whatever_is_in_it(journal):
    odd = replace(PC, model="a\0b \N{SNOWMAN}", serial="x" * 5000)
    Inventory(journal).record([odd])
    (found,) = Inventory(journal).of("demo")
    assert found.model == "a\N{REPLACEMENT CHARACTER}b \N{SNOWMAN}"
    assert found.serial == odd.serial
