"""Boot entries, with a stand-in that keeps them as efibootmgr shows them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ictops.imaging.agent.boot import EfiEntries
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.manifest import BootEntry

GUID = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "bbbbbbbb-0000-4000-8000-000000000001"
PROGRAM = """#!{python}
import json, sys
from pathlib import Path
path = Path({state!r})
state = json.loads(path.read_text())
words = sys.argv[1:]
def value(name):
    return words[words.index(name) + 1]
if "--delete-bootnum" in words:
    number = value("--bootnum")
    del state["entries"][number]
    state["order"] = [one for one in state["order"] if one != number]
elif "--create-only" in words:
    if state.get("full"):
        sys.exit("Could not prepare Boot variable: No space left on device")
    number = value("--bootnum")
    assert number not in state["entries"]
    where = f"HD({{value('--part')}},GPT,{guid},0x800,0x4000)/File({{value('--loader')}})"
    state["entries"][number] = [value("--label"), where]
    state["disk"] = value("--disk")
    if state.get("forgets"):
        del state["entries"][number]
if "--bootorder" in words:
    state["order"] = value("--bootorder").split(",")
if "--bootnext" in words:
    state["next"] = value("--bootnext")
if "--quiet" not in words:
    if "next" in state:
        print("BootNext: " + state["next"])
    print("BootCurrent: " + state["current"])
    print("Timeout: 3 seconds")
    print("BootOrder: " + ",".join(state["order"]))
    for number, (label, where) in sorted(state["entries"].items()):
        verbose = "\\t" + where if "--verbose" in words else ""
        print(f"Boot{{number}}* {{label}}{{verbose}}")
path.write_text(json.dumps(state))
"""
ENTRY = BootEntry("debian", 1, "\\EFI\\debian\\shimx64.efi")


class Firmware:
    def __init__(self, folder: Path, **more: object) -> None:
        self._state = folder / "state.json"
        self.program = folder / "efibootmgr"
        self.program.write_text(
            PROGRAM.format(python=sys.executable, state=str(self._state), guid=GUID)
        )
        self.program.chmod(0o755)
        entries = {
            "0000": ["UiApp", "FvVol(7cb8bdc9)/FvFile(462caa21)"],
            "0001": ["UEFI PXEv4 (MAC:021C00000001)", "PciRoot(0x0)/Pci(0x2,0x0)/MAC(021c,1)/IPv4"],
            "0002": ["Windows Boot Manager", f"HD(1,GPT,{OTHER},0x800,0x1000)/File(bootmgfw.efi)"],
        }
        state = {"entries": entries, "order": ["0001", "0002", "0000"], "current": "0001"}
        self._state.write_text(json.dumps({**state, **more}))

    @property
    def state(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self._state.read_text())
        return found


def test_the_disk_is_booted_next_and_the_network_stays_first(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path)
    EfiEntries(str(firmware.program)).add(ENTRY, Path("/dev/nvme0n1"))
    state = firmware.state
    assert state["order"] == ["0001", "0003", "0002", "0000"]
    assert state["next"] == "0003"
    assert state["disk"] == "/dev/nvme0n1"
    assert state["entries"]["0003"][1].endswith("File(\\EFI\\debian\\shimx64.efi)")  # type: ignore[index]


def test_a_pc_that_boots_its_disk_first_goes_on_doing_so(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path, order=["0002", "0001"], current="0001")
    EfiEntries(str(firmware.program)).add(ENTRY, Path("/dev/sda"))
    assert firmware.state["order"] == ["0003", "0002", "0001"]


def test_it_can_be_done_again_and_again(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path)
    entries = EfiEntries(str(firmware.program))
    for _ in range(3):
        entries.remove("debian", {GUID})
        entries.add(ENTRY, Path("/dev/sda"))
    assert firmware.state["order"] == ["0001", "0003", "0002", "0000"]


def test_what_the_disk_had_is_removed_and_nothing_else(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path)
    EfiEntries(str(firmware.program)).remove("debian", {GUID, OTHER})
    assert sorted(firmware.state["entries"]) == ["0000", "0001"]  # type: ignore[call-overload]


def test_without_a_server_the_disk_is_booted_next(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path)
    EfiEntries(str(firmware.program)).disk_next()
    assert firmware.state["next"] == "0002"


def test_a_firmware_that_is_full_is_told(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path, full=True)
    with pytest.raises(JobFailed, match="No space left"):
        EfiEntries(str(firmware.program)).add(ENTRY, Path("/dev/sda"))


def test_a_firmware_that_forgets_the_entry_is_told(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path, forgets=True)
    with pytest.raises(JobFailed, match="does not keep"):
        EfiEntries(str(firmware.program)).add(ENTRY, Path("/dev/sda"))


def test_an_entry_that_is_kept_comes_last_and_once(tmp_path: Path) -> None:
    firmware = Firmware(tmp_path)
    for _ in range(2):
        EfiEntries(str(firmware.program)).keep(ENTRY, Path("/dev/sda"))
    assert firmware.state["order"] == ["0001", "0002", "0000", "0003"]
    assert EfiEntries(str(firmware.program)).has("debian")
    assert not EfiEntries(str(firmware.program)).has("deb")
