"""Small real images: a GPT with an ESP and an ext4 system, cut, compressed, listed and signed.

The cutting is the plainest that the format allows, so that what reads an image is not tried only
with what the image store happens to write.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import zstandard

from ictops.imaging.images import wim
from ictops.imaging.wire import strict
from ictops.imaging.wire.index import Chunk, ImageIndex, Pack, Piece, Place
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.manifest import BootEntry, Firmware, Index, Manifest, Partition
from ictops.imaging.wire.signature import SIGNER, sign
from ictops.imaging.wire.words import digest_of

MIB = 2**20
BLOCK = 4096
_LEAST, _MOST = 16 * 1024, 256 * 1024
_PIECE = 512 * 1024
_PACK = 4 * MIB
_CUT = 16
"""One block of so many is a chunk's last, on average."""
_ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_ROOT = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
BOOT_CODE = bytes(range(1, 221)) * 2


@dataclass(frozen=True)
class Signing:
    """A key, and the file that allows it."""

    key: Path
    allowed: Path

    @classmethod
    def make(cls, folder: Path) -> Signing:
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        allowed = folder / "allowed_signers"
        kind, public = key.with_suffix(".pub").read_text().split()[:2]
        allowed.write_text(f"{SIGNER} {kind} {public}\n")
        return cls(key, allowed)


@dataclass(frozen=True)
class Image:
    """A version of an image, as it lies below a boot server's root."""

    manifest: Manifest
    index: ImageIndex
    ref: ImageRef
    contents: Mapping[int, Path]
    """Each partition's, as a file."""


@dataclass
class Store:
    """A folder of images and packs, as a boot server gives them out."""

    root: Path
    signing: Signing
    _known: dict[bytes, tuple[Pack, Piece, Chunk]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        version: str,
        parts: Iterable[tuple[Partition, Path]],
        firmware: tuple[Firmware, ...] = ("uefi", "bios"),
        *,
        windows: bool = False,
    ) -> Image:
        """Store a version; what an older one has is not stored again."""
        parts = tuple(parts)
        loader = "\\EFI\\BOOT\\BOOTX64.EFI"
        if windows:
            loader = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
        places, chunks = [], {}
        new: list[tuple[bytes, bytes]] = []
        for partition, content in parts:
            for offset, data in _chunks(content, partition):
                digest = digest_of(data)
                number = chunks.setdefault(digest, len(chunks))
                places.append(Place(partition.number, offset, number))
                if number == len(chunks) - 1 and digest not in self._known:
                    new.append((digest, data))
        places.sort(key=lambda one: (one.partition, one.offset))
        self._store(dict(new))
        index = self._index(list(chunks), places)
        packed = index.pack()
        used = sum(index.chunks[one.chunk].length for one in places)
        manifest = Manifest(
            1, name, version, "2026-01-01T00:00:00+00:00", "windows" if windows else "linux",
            firmware,
            "0f3a1c52-1111-4222-8333-944455556666",
            parts[-1][0].end + 2 * MIB, tuple(one for one, _ in parts),
            BootEntry("ictops test", 1, loader), BOOT_CODE.hex(),
            Index(digest_of(packed).hex(), len(packed)), used,
            sum(one.stored for one in index.pieces),
            "unattend" if windows else "files",
        )  # fmt: skip
        folder = self.root / "images" / name / version
        folder.mkdir(parents=True)
        text = strict.dumps(manifest)
        (folder / "manifest.json").write_bytes(text)
        (folder / "manifest.sig").write_text(sign(text, "ictops-image", self.signing.key))
        (folder / "index").write_bytes(packed)
        ref = ImageRef(name, version, digest_of(text).hex())
        return Image(manifest, index, ref, {one.number: path for one, path in parts})

    def _store(self, new: dict[bytes, bytes]) -> None:
        squeeze = zstandard.ZstdCompressor(level=3, write_checksum=True)
        pack: list[bytes] = []
        made: list[tuple[Piece, list[Chunk]]] = []
        group: list[tuple[bytes, bytes]] = []

        def end_piece() -> None:
            if not group:
                return
            plain = b"".join(data for _, data in group)
            stored = squeeze.compress(plain)
            piece = Piece(digest_of(stored), 0, sum(map(len, pack)), len(stored), len(plain))
            at, inside = 0, []
            for digest, data in group:
                inside.append(Chunk(digest, 0, at, len(data)))
                at += len(data)
            pack.append(stored)
            made.append((piece, inside))
            group.clear()

        def end_pack() -> None:
            end_piece()
            data = b"".join(pack)
            if not data:
                return
            name = digest_of(data)
            path = self.root / "packs" / name.hex()[:2] / name.hex()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            for piece, inside in made:
                for chunk in inside:
                    self._known[chunk.digest] = (Pack(name, len(data)), piece, chunk)
            pack.clear()
            made.clear()

        for digest, data in new.items():
            if sum(len(one) for _, one in group) + len(data) > _PIECE:
                end_piece()
            if sum(map(len, pack)) > _PACK:
                end_pack()
            group.append((digest, data))
        end_pack()

    def _index(self, digests: list[bytes], places: list[Place]) -> ImageIndex:
        packs: dict[Pack, int] = {}
        pieces: dict[tuple[bytes, int], int] = {}
        listed, chunks = [], []
        for digest in digests:
            pack, piece, chunk = self._known[digest]
            where = packs.setdefault(pack, len(packs))
            number = pieces.setdefault((pack.digest, piece.offset), len(pieces))
            if number == len(listed):
                listed.append(replace(piece, pack=where))
            chunks.append(replace(chunk, piece=number))
        return ImageIndex(tuple(packs), tuple(listed), tuple(chunks), tuple(places))


def _chunks(content: Path, partition: Partition) -> Iterator[tuple[int, bytes]]:
    if partition.content == "empty":
        return
    with content.open("rb") as file:
        if partition.content == "wim":
            begin = 0
            for chunk in wim.cut(file.read):
                yield begin, chunk
                begin += len(chunk)
            return
        for start, end in used(content, partition.filesystem):
            file.seek(start)
            data, begin = file.read(end - start), 0
            for at in range(BLOCK, len(data) + BLOCK, BLOCK):
                size = at - begin
                cut = digest_of(data[at - BLOCK : at])[0] % _CUT == 0 and size >= _LEAST
                if cut or size >= _MOST or at >= len(data):
                    yield start + begin, data[begin:at]
                    begin = at


def used(content: Path, filesystem: str) -> list[tuple[int, int]]:
    """Give from where to where a file system has something, in whole blocks, by partclone."""
    size = content.stat().st_size
    if filesystem == "none":
        return [(0, size)]
    listed = content.with_suffix(".map")
    subprocess.run(
        [f"partclone.{filesystem}", "-D", "-s", content, "-o", listed, "-L", os.devnull, "-F"],
        env={**os.environ, "TERM": "dumb"}, check=True, capture_output=True,
    )  # fmt: skip
    found: list[tuple[int, int]] = []
    for line in listed.read_text().splitlines():
        if match := re.fullmatch(r"0x(\w+)\s+0x(\w+)\s+\+", line):
            start = int(match[1], 16)
            end = min(-(-(start + int(match[2], 16)) // BLOCK) * BLOCK, size)
            start = start // BLOCK * BLOCK
            if found and start <= found[-1][1]:
                start = found.pop()[0]
            found.append((start, end))
    listed.unlink()
    if filesystem == "ntfs" and found[-1][1] < size:
        # The copy of its first sector lies behind the file system.
        found.append((size - BLOCK, size))
    return found


def tree(folder: Path, *, files: int = 60, seed: int = 1) -> Path:
    """Make a small tree that looks like a Linux system."""
    chance = random.Random(seed)
    for one in ("etc/ssh", "home/ops", "root", "usr/lib", "var/lib/dbus"):
        (folder / one).mkdir(parents=True)
    (folder / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\nops:x:1000:1001::/home/ops:/bin/bash\n"
    )
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 golden\n::1 localhost\n")
    (folder / "etc/hostname").write_text("golden\n")
    (folder / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "etc/ssh/ssh_host_ed25519_key").write_text("the golden image's own\n")
    for number in range(files):
        size = chance.randrange(1000, 500_000)
        words = [chance.randbytes(8) for _ in range(64)]
        data = b"".join(chance.choice(words) for _ in range(size // 16)) + chance.randbytes(
            size // 2
        )
        (folder / f"usr/lib/lib{number:03}.so").write_bytes(data)
    return folder


def root_file(path: Path, content: Path, size: int) -> Path:
    """Make an ext4 file system that is the same each time."""
    uuid = "11112222-3333-4444-8555-666677778888"
    path.unlink(missing_ok=True)
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-U", uuid, "-E", f"hash_seed={uuid}",
         "-d", content, path, f"{size // 1024}k"],
        check=True, env={**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000"},
    )  # fmt: skip
    return path


def esp_file(path: Path, size: int = 8 * MIB) -> Path:
    """Make a FAT file system with a loader in it."""
    loader = path.with_suffix(".efi")
    loader.write_bytes(random.Random(7).randbytes(700_000))
    with path.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.vfat", "-i", "12345678", path], check=True, capture_output=True)
    subprocess.run(["mmd", "-i", path, "::/EFI", "::/EFI/BOOT"], check=True)
    subprocess.run(["mcopy", "-i", path, loader, "::/EFI/BOOT/BOOTX64.EFI"], check=True)
    return path


def partitions(esp: Path, root: Path, *, grow: bool = True) -> list[tuple[Partition, Path]]:
    """Lay an ESP and a system out on a disk."""
    first = Partition(
        1, "aaaaaaaa-0000-4000-8000-000000000001", _ESP, "EFI System", MIB,
        esp.stat().st_size, "vfat", "blocks", attributes=1,
    )  # fmt: skip
    start = -(-first.end // MIB) * MIB
    second = Partition(
        2, "aaaaaaaa-0000-4000-8000-000000000002", _ROOT, "Linux root", start,
        root.stat().st_size, "ext4", "blocks", grow=grow,
    )  # fmt: skip
    return [(first, esp), (second, root)]


def changed_root(path: Path, old: Path, name: str, data: bytes) -> Path:
    """Copy an ext4 file system, with one more file in it."""
    shutil.copyfile(old, path)
    file = path.with_suffix(".more")
    file.write_bytes(data)
    subprocess.run(
        ["debugfs", "-w", "-R", f"write {file} {name}", path], check=True, capture_output=True
    )
    return path


def cut_out(disk: Path, partition: Partition, to: Path) -> Path:
    """Copy a partition out of a disk."""
    with disk.open("rb") as whole, to.open("wb") as file:
        whole.seek(partition.start)
        left = partition.size
        while left:
            data = whole.read(min(left, MIB))
            file.write(data)
            left -= len(data)
    return to


def differing_places(disk: Path, image: Image) -> list[Place]:
    """Give the places of a disk that do not hold what the image's files have there."""
    starts = {one.number: one.start for one in image.manifest.partitions}
    wrong = []
    with disk.open("rb") as file:
        for place in image.index.places:
            length = image.index.chunks[place.chunk].length
            file.seek(starts[place.partition] + place.offset)
            found = file.read(length)
            with image.contents[place.partition].open("rb") as content:
                content.seek(place.offset)
                if content.read(length) != found:
                    wrong.append(place)
    return wrong


def bootable(disk: Path, image: Image) -> bool:
    """Say whether a firmware would find something to boot."""
    with disk.open("rb") as file:
        if any(file.read(440)):
            return True
        for one in image.manifest.partitions:
            if one.type == _ESP:
                file.seek(one.start)
                if any(file.read(512)):  # without this sector there is no file system to look in
                    return True
    return False
