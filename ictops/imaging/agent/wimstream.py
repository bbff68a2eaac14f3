"""A pipable WIM as it streams by: its files' data one by one, and the list of all that it holds.

A WIM (Microsoft, "Windows Imaging File Format (WIM)", 2007) keeps each different content once, by
its SHA-1; wimlib's pipable kind (``wimcapture --pipable``) is written so that it can be applied
while it comes. After the header stands one **blob** behind the other: the XML, the metadata (all
folders, with names, attributes, times and security descriptors), then the contents. Ours are not
compressed, so that versions share chunks; chunks are compressed when they are stored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ictops.imaging.wire.strict import NotAsAgreed

MAGIC = b"WLPWM\0\0\0"
HEADER_BYTES = 208
_BLOB_MAGIC = (0x2B9B9BA2443DB9D8).to_bytes(8, "little")
_BLOB = struct.Struct("<8sQ20sI")
_COMPRESSION = struct.Struct("<I")
_COMPRESSION_AT = 16
_COMPRESSED = 0x2
_METADATA = 0x2
LARGEST_METADATA = 2**30

Read = Callable[[int], bytes]
"""Gives as many bytes as are asked for; fewer only where the stream ends."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that comes next. Bytes; the digest is SHA-1, by the WIM format."""

    size: int
    digest: bytes
    metadata: bool
    """Whether it is no file's content, but says what there is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder, as the metadata has it."""

    attributes: int
    written: int
    """When, in 100 ns since 1601."""
    security: bytes | None
    """Its self-relative security descriptor (MS-DTYP, 2.4.6), where it has one."""
    short_name: str
    reparse_tag: int
    streams: tuple[tuple[str, bytes], ...]
    """Name and SHA-1 of each content that is not empty."""


def parts(read: Read, most: int) -> Iterator[tuple[Blob | None, bytes]]:
    """Take a stream apart: all its bytes, in order, at most ``most`` at once.

    A blob's header comes with the :class:`Blob`, everything else without. Blocks of ``most`` bytes
    are counted from where a blob's data begin.

    :raises NotAsAgreed: if it is no pipable WIM without compression, or ends too early.
    """
    head = read(HEADER_BYTES)
    if len(head) < HEADER_BYTES or head[:8] != MAGIC:
        raise NotAsAgreed("this is no pipable WIM")
    if _COMPRESSION.unpack_from(head, _COMPRESSION_AT)[0] & _COMPRESSED:
        raise NotAsAgreed("this WIM is compressed, and no two versions would share anything")
    yield None, head
    while True:
        head = read(_BLOB.size)
        if len(head) < _BLOB.size or head[:8] != _BLOB_MAGIC:
            break
        _, size, digest, flags = _BLOB.unpack(head)
        yield Blob(size, digest, bool(flags & _METADATA)), head
        while size:
            data = read(min(most, size))
            if not data:
                raise NotAsAgreed("this WIM is cut off")
            size -= len(data)
            yield None, data
    while head:
        yield None, head
        head = read(most)


def joined(pieces: Iterable[bytes]) -> Read:
    """Let pieces be read as one stream."""
    left = iter(pieces)
    kept = bytearray()

    def read(count: int) -> bytes:
        while len(kept) < count:
            more = next(left, None)
            if more is None:
                break
            kept.extend(more)
        data = bytes(kept[:count])
        del kept[:count]
        return data

    return read


def entries(read: Read) -> dict[str, Entry]:
    """Read a stream to its end, and give what it holds, by path.

    :raises NotAsAgreed: see :func:`parts`.
    """
    found = None
    for is_metadata, data in _blobs(read):
        if is_metadata:
            found = unpack(data)
    if found is None:
        raise NotAsAgreed("this WIM has no image")
    return found


def first_entries(read: Read) -> dict[str, Entry]:
    """Read a stream as far as it says what it holds, and give that, by path.

    :raises NotAsAgreed: see :func:`parts`.
    """
    for is_metadata, data in _blobs(read):
        if is_metadata:
            return unpack(data)
    raise NotAsAgreed("this WIM has no image")


def _blobs(read: Read) -> Iterator[tuple[bool, bytes]]:
    """Give the image's metadata whole, and of all else that it passed."""
    kept: bytearray | None = None
    seen = left = 0
    for blob, data in parts(read, 2**20):
        if blob is not None:
            # The first of the kind is the XML, the second the one image's metadata.
            seen += blob.metadata
            left = blob.size
            if blob.metadata and seen == 2:  # noqa: PLR2004
                if left > LARGEST_METADATA:
                    raise NotAsAgreed("this WIM's metadata are larger than can be")
                kept = bytearray()
        elif kept is not None:
            kept += data
            left -= len(data)
            if not left:
                yield True, bytes(kept)
                kept = None
        else:
            yield False, b""


_SECURITY = struct.Struct("<II")
_DENTRY = struct.Struct("<QIIQ16x16xQ20s4xIHHHHH")
_STREAM = struct.Struct("<Q8x20sH")
_NO_SECURITY = 0xFFFFFFFF
_DIRECTORY = 0x10
_REPARSE_POINT = 0x400
_EMPTY = bytes(20)
_END = 8
"""A folder ends with a length of at most this."""


def unpack(data: bytes) -> dict[str, Entry]:
    """Read an image's metadata.

    :raises NotAsAgreed: if they are damaged.
    """
    try:
        return _unpack(data)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise NotAsAgreed(f"this WIM's metadata are damaged: {error}") from error


def _unpack(data: bytes) -> dict[str, Entry]:
    total, count = _SECURITY.unpack_from(data)
    descriptors, at = [], _SECURITY.size + 8 * count
    for size in struct.unpack_from(f"<{count}Q", data, _SECURITY.size):
        descriptors.append(data[at : at + size])
        at += size
    found: dict[str, Entry] = {}
    passed: set[int] = set()
    folders = [("", _aligned(total))]
    while folders:
        folder, at = folders.pop()
        if at in passed:
            raise NotAsAgreed("a folder of this WIM holds itself")
        passed.add(at)
        while int.from_bytes(data[at : at + 8], "little") > _END:
            name, entry, inside, at = _dentry(data, at, descriptors)
            path = f"{folder}/{name}" if folder or name else ""
            if path in found:
                raise NotAsAgreed(f"{path} is there twice")
            found[path] = entry
            if inside:
                folders.append((path, inside))
            if not path:
                break  # the root has no neighbours
    return found


def _dentry(data: bytes, at: int, descriptors: list[bytes]) -> tuple[str, Entry, int, int]:
    (
        length, attributes, security, inside, written, digest,
        tag, _, _, streams, short_bytes, name_bytes,
    ) = _DENTRY.unpack_from(data, at)  # fmt: skip
    text = at + _DENTRY.size
    name = data[text : text + name_bytes].decode("utf-16-le", "surrogatepass")
    text += name_bytes + 2 * bool(name_bytes)
    short_name = data[text : text + short_bytes].decode("utf-16-le", "surrogatepass")
    at += _aligned(length)
    contents = [("", digest)]
    for _ in range(streams):
        length, digest, stream_bytes = _STREAM.unpack_from(data, at)
        text = at + _STREAM.size
        contents.append((data[text : text + stream_bytes].decode("utf-16-le"), digest))
        at += _aligned(length)
    entry = Entry(
        attributes=attributes,
        written=written,
        security=None if security == _NO_SECURITY else descriptors[security],
        short_name=short_name,
        reparse_tag=tag if attributes & _REPARSE_POINT else 0,
        streams=tuple(sorted({one for one in contents if one[1] != _EMPTY})),
    )
    return name, entry, inside if attributes & _DIRECTORY else 0, at


def _aligned(length: int) -> int:
    return (length + 7) & ~7


def differences(wanted: dict[str, Entry], read_back: dict[str, Entry]) -> list[str]:
    """Give the paths of what was read back otherwise than it was wanted.

    A file of which the image says no security descriptor may have any.
    """
    wrong = []
    for path in sorted(wanted.keys() | read_back.keys()):
        one, other = wanted.get(path), read_back.get(path)
        if one is None or other is None or _seen(one, one) != _seen(other, one):
            wrong.append(path or "/")
    return wrong


def _seen(entry: Entry, wanted: Entry) -> tuple[object, ...]:
    return (
        entry.attributes,
        entry.written,
        None if wanted.security is None else entry.security,
        entry.short_name,
        entry.reparse_tag,
        entry.streams,
    )
