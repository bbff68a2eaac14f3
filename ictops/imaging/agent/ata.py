"""ATA disks: sanitize, else security erase, by hdparm.

What the drive says is read from its IDENTIFY DEVICE words, whose places the ATA Command Set fixes.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from functools import partial

from ictops.imaging.agent.method import (
    POLL_SECONDS,
    Method,
    NotErased,
    Offer,
    Pause,
    Refused,
    Tell,
    asked,
    ran,
    version_of,
)

PASSWORD = "ictops"  # noqa: S105 - no secret: it only arms the erase, which takes it away again
"""After a power cut within a security erase the disk is locked with it; see docs/erase.md."""
_USER = ("--user-master", "u")
SURE = "--yes-i-know-what-i-am-doing"
FROZEN = (
    "the firmware of this PC has frozen the drive's security commands: set it to allow a disk "
    "erase, or put the disk into another PC"
)

# Words 59 and 128 of IDENTIFY DEVICE.
_SANITIZE, _SCRAMBLE, _OVERWRITE, _BLOCK_ERASE = 1 << 12, 1 << 13, 1 << 14, 1 << 15
_SUPPORTED, _ENABLED, _LOCKED, _IS_FROZEN, _ENHANCED = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5
_WORDS = 256
_LINE = re.compile(r"^(?:[0-9a-f]{4} ){7}[0-9a-f]{4}\s*$", re.MULTILINE)
_NO_SENSE = b"bad/missing sense data"
"""hdparm says this of a command that the drive refused, and still ends with 0."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an ATA drive says of itself."""

    serial: str
    sanitize: int
    security: int
    minutes: int
    """How long its enhanced or its normal security erase takes; 0 where it does not say."""


def identify(path: str) -> Identity:
    """Ask an ATA drive about itself.

    :raises Refused: if it does not answer.
    """
    told = asked(["hdparm", "--Istdout", path]).decode("ascii", "replace")
    words = [int(word, 16) for line in _LINE.findall(told) for word in line.split()]
    if len(words) != _WORDS:
        raise Refused("hdparm: the disk does not say what it is")
    serial = b"".join(word.to_bytes(2, "big") for word in words[10:20])
    minutes = 2 * (words[90 if words[128] & _ENHANCED else 89] & 0xFF)
    return Identity(serial.decode("ascii", "replace").strip(), words[59], words[128], minutes)


def offer(path: str, serial: str, tell: Tell, pause: Pause, *, magnetic: bool) -> Offer:
    """Give the methods that an ATA drive says it has.

    A drive that still goes on with a sanitize, after a power cut, is waited for.

    :raises Refused: if it cannot be asked, or is not the disk with this serial number.
    :raises NotErased: if it does not say how far its sanitize is.
    """
    told = identify(path)
    if told.serial != serial:
        raise Refused("the disk at this path says another serial number by now")
    methods = []
    if told.sanitize & _SANITIZE:
        _wait(path, tell, pause)
        if told.sanitize & _BLOCK_ERASE:
            methods.append(_sanitize_method(path, "block erase", "--sanitize-block-erase"))
        if told.sanitize & _SCRAMBLE:
            run = "--sanitize-crypto-scramble"
            methods.append(_sanitize_method(path, "crypto scramble", run, blank=False))
        if told.sanitize & _OVERWRITE:
            zeros = ("--sanitize-overwrite-passes", "1", "--sanitize-overwrite", "hex:00000000")
            methods.append(_sanitize_method(path, "overwrite", *zeros))
    why = ""
    if not told.security & _SUPPORTED:
        why = "" if methods else "it offers neither ATA sanitize nor security erase"
    elif told.security & _IS_FROZEN:
        why = FROZEN
    else:
        if told.security & _ENHANCED:
            run_enhanced = partial(_security_erase, path, "--security-erase-enhanced")
            words = "clear: ATA security erase, enhanced"
            methods.append(Method(words, run_enhanced, blank=False))
        if not magnetic:  # a magnetic one is overwritten as well, without a lock on the way
            run_normal = partial(_security_erase, path, "--security-erase")
            methods.append(Method("clear: ATA security erase", run_normal))
    tool = version_of("hdparm", "-V")
    return Offer(tuple(replace(method, tool=tool) for method in methods), why)


def hidden_sectors(path: str) -> int:
    """Give how many sectors a host protected area hides: no overwriting reaches them.

    :raises Refused: if the drive does not say.
    """
    told = asked(["hdparm", "-N", path]).decode("ascii", "replace")
    found = re.search(r"max sectors\s*=\s*(\d+)/(\d+)", told)
    if not found:
        raise Refused("hdparm: the disk does not say whether a part of it is hidden")
    return int(found[2]) - int(found[1])


def _sanitize_method(path: str, name: str, *options: str, blank: bool = True) -> Method:
    words = f"purge: ATA sanitize, {name}"
    return Method(words, partial(_sanitize, path, name, options), blank=blank)


def _sanitize(path: str, name: str, options: tuple[str, ...], tell: Tell, pause: Pause) -> None:
    _command(path, f"sanitize, {name}", SURE, *options)
    told = _wait(path, tell, pause)
    if "Completed Without Error" not in told:
        raise NotErased("the drive does not say that its sanitize was done without error")


def _wait(path: str, tell: Tell, pause: Pause) -> str:
    while True:
        try:
            told = asked(["hdparm", "--sanitize-status", path]).decode("ascii", "replace")
        except Refused as error:
            raise NotErased(f"the drive does not say how far it is: {error}") from error
        if "SD2" not in told:
            return told
        found = re.search(r"Progress:\s*0x([0-9a-f]+)", told)
        tell(int(found[1], 16) / 0x10000 if found else 0.0)
        pause(POLL_SECONDS)


def _command(path: str, name: str, *options: str) -> None:
    done = ran(["hdparm", *options, path])
    if done.returncode or _NO_SENSE in done.stdout + done.stderr:
        raise Refused(f"the drive does not take the command: {name}")


def _security_erase(path: str, option: str, tell: Tell, pause: Pause) -> None:
    told = identify(path)
    if not told.security & _ENABLED:
        _command(path, "security set password", *_USER, "--security-set-pass", PASSWORD)
    erasing = subprocess.Popen(
        ["hdparm", *_USER, option, PASSWORD, path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    waited = 0.0
    while erasing.poll() is None:
        if told.minutes:  # the drive itself says nothing meanwhile
            tell(min(0.99, waited / (60 * told.minutes)))
        pause(POLL_SECONDS)
        waited += POLL_SECONDS
    assert erasing.stdout is not None  # noqa: S101
    words = erasing.stdout.read()
    after = identify(path).security
    if erasing.returncode or _NO_SENSE in words or after & (_ENABLED | _LOCKED):
        whose = (
            "it was locked with a password before" if told.security & _ENABLED else
            f"it may be locked with the password {PASSWORD!r} now"
        )  # fmt: skip
        raise NotErased(f"its security erase failed; {whose}")
