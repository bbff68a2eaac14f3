# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The boot entries of a UEFI PC, read and chosen by the kernel's efivarfs.

UEFI 2.10: 3.1.3 (an entry is ``EFI_LOAD_OPTION``), 3.3 (``BootNext``), 10.3 (device paths).
efivarfs puts four bytes of attributes before each variable's value.
"""

from __future__ import annotations

import struct
from itertools import takewhile
from pathlib import Path

FOLDER = "/sys/firmware/efi/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
_ATTRIBUTES = struct.pack("<I", 7)  # kept, in boot services, at run time
_ACTIVE = 1
_MESSAGING, _MAC, _IPV4, _END = 3, 11, 12, 0x7F


class Entry:
    """A boot entry, as far as booting from the network needs to know it."""

    def __init__(self, number: int, data: bytes) -> None:
        """Read it.

        :raises ValueError: if it is none.
        """
        self.number = number
        if len(data) < 6:  # noqa: PLR2004
            raise ValueError("it is cut off")
        attributes, length = struct.unpack_from("<IH", data)
        end = next((n for n in range(6, len(data) - 1, 2) if data[n : n + 2] == b"\0\0"), None)
        if end is None:
            raise ValueError("its description has no end")
        self.active = bool(attributes & _ACTIVE)
        self.description = data[6:end].decode("utf-16-le", errors="replace")
        nodes = list(_nodes(data[end + 2 : end + 2 + length]))
        self.macs = [body[:6] for kind, body in nodes if kind == (_MESSAGING, _MAC)]
        self.ipv4 = any(kind == (_MESSAGING, _IPV4) for kind, _ in nodes)


def network_entry(folder: Path, mac: str) -> Entry | None:
    """Give the entry that boots from the network by this card, over IPv4 if there is one.

    Any card's, where none has this MAC in its entry.
    """
    card = bytes.fromhex(mac.replace(":", ""))
    found = [one for one in _entries(folder) if one.macs and one.active]
    found.sort(key=lambda one: (card not in one.macs, not one.ipv4, one.number))
    return found[0] if found else None


def entry_named(folder: Path, description: str) -> Entry | None:
    """Give the entry with this description; None if there is none."""
    return next((one for one in _entries(folder) if one.description == description), None)


def boot_first(folder: Path, number: int) -> bool:
    """Put an entry before all others but the network, and say whether it was not.

    A PC that asks its boot server at each start goes on doing so.

    :raises OSError: if the firmware does not take it.
    """
    path = folder / f"BootOrder-{GLOBAL}"
    data = path.read_bytes()[4:] if path.exists() else b""
    order = [one for (one,) in struct.iter_unpack("<H", data[: len(data) // 2 * 2])]
    from_network = {one.number for one in _entries(folder) if one.macs}
    left = [one for one in order if one != number]
    asks = list(takewhile(from_network.__contains__, left))
    new = [*asks, number, *left[len(asks) :]]
    if new == order:
        return False
    path.write_bytes(_ATTRIBUTES + struct.pack(f"<{len(new)}H", *new))
    return True


def boot_next(folder: Path, number: int) -> None:
    """Have the firmware boot an entry once, the next time.

    :raises OSError: if the firmware does not take it.
    """
    # One write(2): efivarfs takes a variable whole.
    path = folder / f"BootNext-{GLOBAL}"
    path.write_bytes(_ATTRIBUTES + struct.pack("<H", number))


def _entries(folder: Path) -> list[Entry]:
    found = []
    for path in sorted(folder.glob(f"Boot[0-9A-F][0-9A-F][0-9A-F][0-9A-F]-{GLOBAL}")):
        try:
            found.append(Entry(int(path.name[4:8], 16), path.read_bytes()[4:]))
        except (OSError, ValueError):  # a firmware's broken entry boots nothing
            continue
    return found


def _nodes(path: bytes):
    at = 0
    while at + 4 <= len(path):
        kind, sub, length = struct.unpack_from("<BBH", path, at)
        if length < 4 or kind == _END:  # noqa: PLR2004
            return
        yield (kind, sub), path[at + 4 : at + length]
        at += length
