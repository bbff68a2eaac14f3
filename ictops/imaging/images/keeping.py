"""Looking after the store: is all of it as it was published, and what may go."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ictops.errors import ImageDamaged
from ictops.imaging.images.restore import read_piece
from ictops.imaging.images.signing import Signing
from ictops.imaging.images.store import (
    MANIFEST,
    SIGNATURE,
    Store,
    Version,
    needed,
    no_such_version,
    remove_packs,
)
from ictops.imaging.wire.index import Chunk, ImageIndex, Piece
from ictops.imaging.wire.signature import SignatureWrong, verify
from ictops.imaging.wire.words import digest_of

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a version."""

    name: str
    version: str
    pack: str
    """The pack that is damaged, by its digest; nothing where its own files are."""
    what: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went from the store."""

    versions: tuple[Version, ...]
    packs: int
    freed: int
    """Bytes."""


def find_damage(
    store: Store, signing: Signing, versions: Iterable[Version], say: Say
) -> list[Damage]:
    """Read all that these versions are made of: signatures, indexes, packs, pieces and chunks.

    A pack that several versions share is read once, and told of for each.
    """
    found: list[Damage] = []
    users: dict[bytes, list[tuple[Version, ImageIndex]]] = defaultdict(list)
    sizes: dict[bytes, int] = {}
    for one in versions:
        say(f"{one}: looking at its signature and index")
        try:
            index = _trusted(store, signing, one)
        except ImageDamaged as damage:
            found.append(Damage(one.name, one.version, "", damage.what))
            continue
        for pack in index.packs:
            users[pack.digest].append((one, index))
            sizes[pack.digest] = pack.size
    total, done = sum(sizes.values()), 0
    for digest, those in users.items():
        say(f"reading the packs: {100 * done // total} %")
        what = _pack_damage(store.pack(digest), digest, those)
        found += [Damage(one.name, one.version, digest.hex(), what) for one, _ in those if what]
        done += sizes[digest]
    return sorted(found, key=lambda one: (one.name, one.version, one.pack))


def older_than_newest(store: Store, keep: int, name: str | None = None) -> list[Version]:
    """Give all versions but each image's newest ones.

    :param name: of one image only.
    """
    by_name: dict[str, list[Version]] = defaultdict(list)
    for one in store.versions():
        if name in {None, one.name}:
            by_name[one.name].append(one)
    return [one for those in by_name.values() for one in those[: max(len(those) - keep, 0)]]


def prune(store: Store, going: Collection[Version]) -> Pruned:
    """Take versions away, and the packs that no other needs. The store must be held for writing.

    A version's folder goes before its packs, so that nobody sees a version that lacks one. What is
    cut off is done by the next writer.

    :raises ImageError: if one of them is not there.
    :raises ImageDamaged: if one that stays cannot tell what it needs; then nothing goes.
    """
    there = store.versions()
    for one in going:
        if one not in there:
            raise no_such_version(one)
    needs = needed(store, (one for one in there if one not in going))
    for number, one in enumerate(going):
        place = store.place(one)
        gone = store.work / f"gone-{number}"
        place.rename(gone)
        shutil.rmtree(gone)
        if not any(place.parent.iterdir()):
            place.parent.rmdir()
    unneeded = store.packs() - needs
    return Pruned(tuple(going), len(unneeded), remove_packs(store, unneeded))


def _trusted(store: Store, signing: Signing, version: Version) -> ImageIndex:
    text = store.read(version, MANIFEST)
    signature = store.read(version, SIGNATURE).decode(errors="replace")
    try:
        verify(text, signature, "ictops-image", signing.allowed)
    except SignatureWrong as error:
        raise ImageDamaged("its manifest is not as it was signed", where=str(version)) from error
    return store.index(version)


def _pack_damage(path: Path, digest: bytes, users: list[tuple[Version, ImageIndex]]) -> str:
    """Give what is wrong with a pack; nothing if it is whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"the pack cannot be read: {error.strerror}"
    if digest_of(data) != digest:
        return "the pack's bytes are not those that were stored"
    # The pack is as it was written; that it was written as the indexes say is looked at too.
    chunks: dict[Piece, set[Chunk]] = defaultdict(set)
    for _, index in users:
        for chunk in index.chunks:
            piece = index.pieces[chunk.piece]
            if index.packs[piece.pack].digest == digest:
                chunks[replace(piece, pack=0)].add(replace(chunk, piece=0))
    try:
        for piece, those in chunks.items():
            plain = read_piece(piece, path)
            for chunk in those:
                if digest_of(plain[chunk.offset : chunk.offset + chunk.length]) != chunk.digest:
                    return "a chunk in the pack is not what the index says"
    except ImageDamaged as damage:
        return damage.what
    return ""
