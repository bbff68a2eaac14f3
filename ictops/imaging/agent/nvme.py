"""NVMe disks: sanitize, else format with a secure erase, by nvme-cli.

What the drive says is read in binary, whose places the NVM Express Base Specification fixes; the
text and JSON of nvme-cli changed from version to version.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import Literal

from ictops.imaging.agent.method import (
    POLL_SECONDS,
    Method,
    NotErased,
    Offer,
    Pause,
    Refused,
    Tell,
    asked,
    version_of,
)

Action = Literal["block erase", "crypto erase", "overwrite"]
ACTIONS: dict[Action, tuple[int, tuple[str, ...]]] = {
    "block erase": (1 << 1, ("--sanact=2",)),
    "crypto erase": (1 << 0, ("--sanact=4",)),
    "overwrite": (1 << 2, ("--sanact=3", "--owpass=1", "--ovrpat=0")),
}
"""Each with its bit of SANICAP and what nvme-cli calls it, best first: what was erased in blocks
reads as nothing, which can be looked at; of a key that is gone one can see only the change."""
FORMAT_TIMEOUT = 2 * 60 * 60 * 1000
"""Milliseconds; nvme-cli's own ten minutes are short for a large disk."""

# Identify Controller (bytes), and the sanitize status log page.
_SERIAL = slice(4, 24)
_OACS, _SANICAP, _FNA = 256, 328, 524
_ANY_SANITIZE = 0b111
_OACS_FORMAT, _FNA_CRYPTO = 1 << 1, 1 << 2
_DONE, _AT_WORK, _FAILED, _DONE_DEALLOCATED = range(1, 5)


def offer(path: str, serial: str, tell: Tell, pause: Pause) -> Offer:
    """Give the methods that an NVMe disk says it has.

    After a power cut a drive goes on with its sanitize by itself. Until that has ended nothing of
    it can be read, and it takes no other command: so it is waited for.

    :raises Refused: if it cannot be asked, or is not the disk with this serial number.
    :raises NotErased: if it does not say how far its sanitize is.
    """
    told = asked(["nvme", "id-ctrl", path, "--output-format=binary"])
    if len(told) < _FNA + 1:
        raise Refused("nvme: the disk tells too little about itself")
    if told[_SERIAL].decode("ascii", "replace").strip() != serial:
        raise Refused("the disk at this path says another serial number by now")
    (oacs,) = struct.unpack_from("<H", told, _OACS)
    (sanicap,) = struct.unpack_from("<I", told, _SANICAP)
    if sanicap & _ANY_SANITIZE:
        _wait(path, tell, pause)
    tool = version_of("nvme", "version")
    methods = [
        Method(
            f"purge: NVMe sanitize, {action}",
            partial(_sanitize, path, options),
            blank=action != "crypto erase",
            tool=tool,
        )
        for action, (bit, options) in ACTIONS.items()
        if sanicap & bit
    ]
    if oacs & _OACS_FORMAT:
        words, run = "clear: NVMe format, user data erase", partial(_format, path, 1)
        methods.append(Method(words, run, tool=tool))
        if told[_FNA] & _FNA_CRYPTO:
            words, run = "clear: NVMe format, cryptographic erase", partial(_format, path, 2)
            methods.append(Method(words, run, blank=False, tool=tool))
    why = "" if methods else "it offers neither NVMe sanitize nor format"
    return Offer(tuple(methods), why)


def _sanitize(path: str, options: tuple[str, ...], tell: Tell, pause: Pause) -> None:
    asked(["nvme", "sanitize", path, *options])
    state = _wait(path, tell, pause)
    if state not in {_DONE, _DONE_DEALLOCATED}:
        raise NotErased("the drive says that its sanitize failed" if state == _FAILED else
                        "the drive does not say that its sanitize was done")  # fmt: skip


def _wait(path: str, tell: Tell, pause: Pause) -> int:
    while True:
        try:
            log = asked(["nvme", "sanitize-log", path, "--output-format=binary"])
            progress, status = struct.unpack_from("<HH", log)
        except (Refused, struct.error) as error:
            raise NotErased(f"the drive does not say how far it is: {error}") from error
        state: int = status & 0b111
        if state != _AT_WORK:
            return state
        tell(progress / 0x10000)
        pause(POLL_SECONDS)


def _format(path: str, secure_erase: int, _tell: Tell, _pause: Pause) -> None:
    asked(
        ["nvme", "format", path, f"--ses={secure_erase}", f"--timeout={FORMAT_TIMEOUT}", "--force"]
    )
