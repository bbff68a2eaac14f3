"""What an agent says to its boot server, and what it is answered.

Every message is a POST over HTTPS to ``/v1/…``: JSON, or a piece's own bytes, and answered in JSON.
All but the claim carry the session's token: ``Authorization: Bearer …``.

=============  =========  ========================================================================
path           message    answer
=============  =========  ========================================================================
claim          Claim      Claimed; 404 there is no job; 409 it is done, or another PC's; 403 not now
progress       Progress   Answer
host-keys      HostKeys   Answer
secret         Answer     Secret, until the job is over; 409 there is none
ready          Ready      Session
have           Have       Lacking; of a job that captures
piece/DIGEST   bytes      Answer; 409 there is no room for more
captured       Captured   Answer
end            End        Answer
=============  =========  ========================================================================

A fault is answered as :class:`Fault`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Literal

from ictops.imaging.wire.words import DIGEST, GUID, MAC, check, digest_of

MOST_PACKS = 500
"""That are asked for at once, so that the message stays small."""
MOST_PIECES = 500
"""That are asked for at once."""
LARGEST_SENT = 2 * 2**20
"""Bytes of a piece that a PC sends."""
WHOLE_DISK = 0
"""The number of no partition: places of a captured disk are counted from its first byte."""
LARGEST_CAPTURED = 2**50
"""Bytes of a disk: no PC has a larger one."""

Step = Literal[
    "claimed", "looking", "partitioning", "fetching", "verifying", "adapting", "finishing",
    "erasing", "capturing",
]  # fmt: skip
FaultKind = Literal[
    "disk-missing", "disk-small", "disk-failing", "image-damaged", "server-gone", "job-refused",
    "not-erased", "agent",
]  # fmt: skip
"""Why a job failed: what a person must look at."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk that a PC has."""

    path: str
    serial: str
    model: str
    size: int
    """Bytes."""
    transport: str
    """``sata``, ``nvme``, ``usb``, ``virtio``, …; or nothing."""
    rotational: bool
    removable: bool


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a PC is."""

    vendor: str
    model: str
    serial: str
    firmware: Literal["uefi", "bios"]
    secure_boot: bool
    memory: int
    """Bytes."""
    disks: tuple[Disk, ...]
    macs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A PC asks for its job."""

    mac: str
    uuid: str
    hardware: Hardware

    def __post_init__(self) -> None:
        check(MAC, self.mac, "MAC")
        check(GUID, self.uuid, "UUID")


@dataclass(frozen=True, slots=True)
class Claimed:
    """The job, as it was signed."""

    job: str
    signature: str
    token: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a PC is. Bytes, and bytes a second."""

    step: Step
    done: int = 0
    total: int = 0
    rate: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The public SSH host keys that the PC will have."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """A PC can receive any of these packs now; with none, it takes no part any more."""

    packs: tuple[str, ...]
    address: str = ""
    """Its IPv4 address: what the sender knows it by."""
    heard: bool = False
    """Whether it has heard the boot server by multicast."""

    def __post_init__(self) -> None:
        for one in self.packs:
            check(DIGEST, one, "digest")
        if len(self.packs) > MOST_PACKS:
            raise ValueError(f"{MOST_PACKS} packs at most are asked for at once")
        if self.packs:
            IPv4Address(self.address)


@dataclass(frozen=True, slots=True)
class Session:
    """How the next pack comes; with neither port nor reason, nothing yet: ask again."""

    portbase: int = 0
    """Where a pack is sent by multicast, or what to ``listen`` to."""
    unicast: str = ""
    """Why the PC fetches by itself: ``pack``, or all that it wants if there is none."""
    pack: str = ""
    """The one that is sent, of those that were asked for."""
    group: str = ""
    """The multicast address."""
    listen: bool = False
    """Whether the PC must first hear :func:`probe_word` there, and say so."""
    note: str = ""
    """What a person should know, such as that the room did not wait."""

    def __post_init__(self) -> None:
        if self.pack:
            check(DIGEST, self.pack, "digest")
        if self.portbase and not self.unicast:
            if not 1024 <= self.portbase <= 65534 or self.portbase % 2:  # noqa: PLR2004
                raise ValueError(f"{self.portbase} is no port that udpcast can use")
            if not IPv4Address(self.group).is_multicast:
                raise ValueError(f"{self.group} is no multicast address")
            if not (self.pack or self.listen):
                raise ValueError("a session sends one pack, and says which")


def probe_word(group: str) -> bytes:
    """Give what a boot server says by multicast to the PCs of a group before it sends."""
    return b"ictops-probe-1 " + digest_of(group.encode()).hex().encode()


def stream_head(pack: str) -> bytes:
    """Give what stands before a pack in its stream, so that a wrong one is noticed at once."""
    return b"ictops-pack-1 " + pack.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Have:
    """A PC would send these pieces, by their digests."""

    pieces: tuple[str, ...]

    def __post_init__(self) -> None:
        for one in self.pieces:
            check(DIGEST, one, "digest")
        if len(self.pieces) > MOST_PIECES:
            raise ValueError(f"{MOST_PIECES} pieces at most are asked for at once")


@dataclass(frozen=True, slots=True)
class Lacking:
    """These of them are not there yet."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Captured:
    """All of a disk has been sent."""

    disk: int
    """Bytes that the disk has."""
    index: tuple[str, ...]
    """The digests of the pieces that hold, one behind the other, an index: see
    :mod:`ictops.imaging.wire.index`. Its places are of :data:`WHOLE_DISK`; each piece that was sent
    is a pack of its own."""

    def __post_init__(self) -> None:
        for one in self.index:
            check(DIGEST, one, "digest")
        if not 0 < self.disk <= LARGEST_CAPTURED:
            raise ValueError(f"no disk has {self.disk} bytes")


@dataclass(frozen=True, slots=True)
class Secret:
    """What only the PC is given that has the job, and only until the job is over."""

    secret: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of a disk that was to be erased."""

    serial: str
    model: str
    size: int
    method: str
    """By NIST SP 800-88's words, such as ``purge: NVMe sanitize, block erase``; or nothing."""
    erased: bool
    verified: int
    """Places that were read back and are as they must be: hold nothing, or, where only a key was
    thrown away, something else than before."""
    began: str
    ended: str
    fault: str = ""
    changed: int = 0
    """How many of these places held data before."""
    tool: str = ""
    """What carried it out, with its version."""


@dataclass(frozen=True, slots=True)
class End:
    """What became of the job."""

    outcome: Literal["done", "failed"]
    fault: FaultKind | None = None
    message: str = ""
    fetched: int = 0
    """Bytes over the network."""
    written: int = 0
    reused: int = 0
    """Bytes that the disk had."""
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    """Seconds that each step took, by its name."""
    erased: tuple[Erased, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Answer:
    """Nothing to say but that it was heard."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message was refused, for a person."""

    fault: str
