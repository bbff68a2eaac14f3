"""Stands in for nvme-cli 2.3; see the package."""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from medium import State, fail  # type: ignore[import-not-found]

ACTIONS = {2: ("block", 1 << 1), 4: ("crypto", 1 << 0), 3: ("overwrite", 1 << 2)}
INVALID = "NVMe status: Invalid Field in Command: A reserved coded value or an unsupported value "


def main() -> None:
    if sys.argv[1:] == ["version"]:
        sys.stdout.write("nvme version 2.3 (git 2.3)\nlibnvme version 1.3 (git 1.3)\n")
        return
    parser = argparse.ArgumentParser(allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    options = {
        "id-ctrl": ("--output-format",),
        "sanitize-log": ("--output-format",),
        "sanitize": ("--sanact", "--owpass", "--ovrpat"),
        "format": ("--ses", "--timeout"),
    }
    for name, known in options.items():
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument("device")
        for option in known:
            command.add_argument(option)
        if name == "format":
            command.add_argument("--force", action="store_true")
    given = parser.parse_args()
    drive = State(given.device)
    if given.command in {"id-ctrl", "sanitize-log"} and given.output_format != "binary":
        fail("not modelled")
    {"id-ctrl": identify, "sanitize-log": log, "sanitize": sanitize, "format": format_}[
        given.command
    ](drive, given)


def identify(drive: State, _given: argparse.Namespace) -> None:
    page = bytearray(4096)
    page[4:24] = drive.get("serial").encode().ljust(20)
    page[24:64] = b"Model 1".ljust(40)
    struct.pack_into("<H", page, 256, drive.get("oacs"))
    struct.pack_into("<I", page, 328, drive.get("sanicap"))
    page[524] = drive.get("fna")
    sys.stdout.buffer.write(page)


def sanitize(drive: State, given: argparse.Namespace) -> None:
    if drive.get("left"):
        fail("NVMe status: Sanitize In Progress: The requested function is prohibited(0x1d)")
    how, bit = ACTIONS[int(given.sanact)]
    if not drive.get("sanicap") & bit or drive.refuses("sanitize"):
        fail(INVALID)
    drive.set(left=drive.get("polls", 2), how=how, sstat=2)


def log(drive: State, _given: argparse.Namespace) -> None:
    left = drive.get("left")
    if left:
        drive.set(left=left - 1)
        if left == 1:
            if drive.get("fails"):
                drive.set(sstat=3)
            else:
                drive.erase(drive.get("how"))
                drive.set(sstat=1)
    at_work = drive.get("left") > 0
    progress = 0x10000 // (1 + drive.get("left")) if at_work else 0xFFFF
    sys.stdout.buffer.write(struct.pack("<HH", progress, drive.get("sstat")).ljust(512, b"\0"))


def format_(drive: State, given: argparse.Namespace) -> None:
    if not given.force:
        fail("not modelled: it would ask")
    if not drive.get("oacs") & 2 or drive.refuses("format"):
        fail("NVMe status: Invalid Command Opcode: A reserved coded value (0x1)")
    if given.ses == "2" and not drive.get("fna") & 4:
        fail(INVALID)
    drive.erase("crypto" if given.ses == "2" else "block")
    sys.stdout.write("Success formatting namespace:1\n")


main()
