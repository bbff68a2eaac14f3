"""Take the tables out of an ICU data library (libicudata), as ICU's own "stubdata" has none.

wimapply reads XML by libxml2, which is linked with ICU for rare encodings: 31 MB of tables, a
quarter of the initramfs. XML in a WIM is UTF-16, which libxml2 reads by itself. The library
itself must stay, for the others name it: whoever reads its tables finds that there are none,
where the loader puts zeros in place of what the file has not.
"""

import struct
import sys
from pathlib import Path

MAGIC, FORMAT = b"\xda\x27", b"CmnD"
PAGE = 0x1000


def main(path: Path) -> None:
    data = path.read_bytes()
    header = data.index(FORMAT) - 12
    if data[header + 2 : header + 4] != MAGIC:
        sys.exit(f"{path} is no ICU data library")
    (length,) = struct.unpack_from("<H", data, header)
    path.write_bytes(cut(bytearray(data), header + length))


def cut(data: bytearray, begin: int) -> bytes:
    """Leave out of an ELF-64 file what its loaded part has from an offset on (elf(5))."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    places = [table + number * size for number in range(count)]
    for place in places:
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, place)
        if kind == 1 and offset <= begin < offset + length:
            break
    else:
        sys.exit("the tables are in no part of this library")
    struct.pack_into("<Q", data, place + 32, begin - offset)  # the rest of it is zeros
    # Whole pages go: an offset in the file must fit to its address in memory.
    end = begin + (offset + length - begin) // PAGE * PAGE
    for other in places:
        (at,) = struct.unpack_from("<Q", data, other + 8)
        if at >= end:
            struct.pack_into("<Q", data, other + 8, at - (end - begin))
    struct.pack_into("<Q", data, 40, 0)  # sections are for linkers, and would be wrong now
    struct.pack_into("<HHH", data, 58, 0, 0, 0)
    return bytes(data[:begin] + data[end:])


main(Path(sys.argv[1]))
