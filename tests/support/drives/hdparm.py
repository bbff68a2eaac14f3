"""Stands in for hdparm 9.65; see the package."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from medium import State, fail  # type: ignore[import-not-found]

SANITIZE = {
    "--sanitize-block-erase": (1 << 15, "block"),
    "--sanitize-crypto-scramble": (1 << 13, "crypto"),
    "--sanitize-overwrite": (1 << 14, "overwrite"),
}
NO_SENSE = "SG_IO: bad/missing sense data, sb[]:  f0 00 0b 04 51 40 00 0a\n"
ENABLED, LOCKED, FROZEN = 1 << 1, 1 << 2, 1 << 3


def main() -> None:
    *options, last = sys.argv[1:]
    if last == "-V":
        sys.stdout.write("hdparm v9.65\n")
        return
    drive = State(last)
    sys.stdout.write(f"\n{last}:\n")
    match options:
        case ["--Istdout"]:
            identify(drive)
        case ["-N"]:
            sectors = drive.path.stat().st_size // 512
            whole = sectors + drive.get("hidden")
            state = "enabled" if drive.get("hidden") else "disabled"
            sys.stdout.write(f" max sectors   = {sectors}/{whole}, HPA is {state}\n")
        case ["--sanitize-status"]:
            status(drive)
        case ["--yes-i-know-what-i-am-doing", *rest]:
            sanitize(drive, rest)
        case ["--user-master", "u", "--security-set-pass", password]:
            if drive.get("security") & FROZEN or drive.refuses("security"):
                fail("SECURITY_SET_PASS: Input/output error", 5)
            drive.set(password=password, security=drive.get("security") | ENABLED)
        case ["--user-master", "u", "--security-erase" | "--security-erase-enhanced" as how, word]:
            security_erase(drive, how, word)
        case _:
            fail(f"{options}: unknown flag", 22)


def identify(drive: State) -> None:
    words = [0] * 256
    serial = drive.get("serial").ljust(20).encode()
    words[10:20] = [int.from_bytes(serial[n : n + 2], "big") for n in range(0, 20, 2)]
    words[59], words[128] = drive.get("sanitize"), drive.get("security")
    words[89] = words[90] = 1
    lines = [words[n : n + 8] for n in range(0, 256, 8)]
    sys.stdout.write("".join(" ".join(f"{word:04x}" for word in line) + "\n" for line in lines))


def sanitize(drive: State, options: list[str]) -> None:
    if options[:2] == ["--sanitize-overwrite-passes", "1"]:
        options = options[2:]
        if options != ["--sanitize-overwrite", "hex:00000000"]:
            fail("missing PATTERN", 22)
    bit, how = SANITIZE[options[0]]
    sys.stdout.write(f"Issuing {options[0][2:].upper().replace('-', '_')} command\n")
    if not drive.get("sanitize") & 1 << 12 or not drive.get("sanitize") & bit:
        fail("SANITIZE failed: Input/output error", 5)
    if drive.get("left"):
        fail("SANITIZE failed: Input/output error", 5)
    if drive.refuses("sanitize"):  # hdparm says so, and that it was begun, and ends with 0
        sys.stderr.write(NO_SENSE)
    else:
        drive.set(left=drive.get("polls", 2), how=how, done=False)
    sys.stdout.write("Operation started in background\n")
    sys.stdout.write("You may use `--sanitize-status` to check progress\n")


def status(drive: State) -> None:
    sys.stdout.write("Issuing SANITIZE_STATUS command\n")
    left = drive.get("left")
    if left:
        drive.set(left=left - 1)
        if left == 1 and not drive.get("fails"):
            drive.erase(drive.get("how"))
            drive.set(done=True)
    sys.stdout.write("Sanitize status:\n")
    if drive.get("left"):
        sys.stdout.write("    State:    SD2 Sanitize operation In Process\n")
        sys.stdout.write("    Progress: 0x8000 (50%)\n")
    elif drive.get("fails") and drive.get("how"):
        sys.stdout.write("    State:    SD3 Sanitize Operation Failed\n")
    else:
        sys.stdout.write("    State:    SD0 Sanitize Idle\n")
        if drive.get("done"):
            sys.stdout.write("    Last Sanitize Operation Completed Without Error\n")


def security_erase(drive: State, how: str, word: str) -> None:
    sys.stdout.write(f' Issuing SECURITY_ERASE command, password="{word}", user=user\n')
    known = drive.get("security")
    if not known & ENABLED or known & FROZEN or word != drive.get("password"):
        fail("SECURITY_ERASE: Input/output error", 5)
    if drive.get("cut"):  # the power goes: the password stays, and locks the drive from now on
        drive.set(cut=False, security=known | LOCKED)
        fail("killed", 137)
    if drive.get("fails"):
        fail("SECURITY_ERASE: Input/output error", 5)
    drive.erase("crypto" if how.endswith("enhanced") else "block")
    drive.set(security=known & ~(ENABLED | LOCKED), password=None)


main()
