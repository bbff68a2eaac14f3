"""Empty the tables of an ICU data library (libicudata), as ICU's own "stubdata" has them.

wimapply reads XML by libxml2, which is linked with ICU for rare encodings: 31 MB of tables, a
quarter of the initramfs. XML in a WIM is UTF-16, which libxml2 reads by itself. The library
itself must stay, for the others name it.
"""

import struct
import sys
from pathlib import Path

MAGIC, FORMAT = b"\xda\x27", b"CmnD"


def main(path: Path) -> None:
    data = bytearray(path.read_bytes())
    header = data.index(FORMAT) - 12
    if data[header + 2 : header + 4] != MAGIC:
        sys.exit(f"{path} is no ICU data library")
    (length,) = struct.unpack_from("<H", data, header)
    tables = header + length  # the first word there is how many tables there are
    end = segment_end(data, tables)
    data[tables:end] = bytes(end - tables)
    path.write_bytes(data)


def segment_end(data: bytearray, offset: int) -> int:
    """Give where the part that is loaded as one piece ends (ELF-64, program header table)."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        start, length = (
            struct.unpack_from("<Q", data, table + number * size + field)[0] for field in (8, 32)
        )
        (kind,) = struct.unpack_from("<I", data, table + number * size)
        if kind == 1 and start <= offset < start + length:
            return int(start + length)
    sys.exit("the tables are in no part of this library")


main(Path(sys.argv[1]))
