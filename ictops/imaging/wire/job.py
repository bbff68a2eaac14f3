"""A job: what one PC is to do once, within a window; signed by the control box."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ictops.imaging.wire.words import DIGEST, FILE, GUID, HOST, MAC, NAME, VERSION, check, moment

JobKind = Literal["image", "capture", "erase", "heal", "look"]
"""Look: say what hardware there is, and change nothing."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A version of an image, by the digest of its manifest."""

    name: str
    version: str
    digest: str

    def __post_init__(self) -> None:
        check(NAME, self.name, "image's name")
        check(VERSION, self.version, "image's version")
        check(DIGEST, self.digest, "digest")


@dataclass(frozen=True, slots=True)
class DiskChoice:
    """Which disk; with neither, the PC must have one disk that is not removable."""

    serial: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Multicast:
    """The room that an image is sent to at once."""

    group: str
    """The same for all jobs of the room."""
    members: int
    """How many PCs are waited for."""


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A file that tells a system which host it is."""

    path: str
    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Adapt:
    """What makes the written system this host."""

    host_name: str
    authorized_keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Public keys by account."""
    files: tuple[SeedFile, ...] = ()
    """More files, such as cloud-init's NoCloud seed or Windows' unattend.xml."""
    secret: str | None = None
    """A word in ``files`` in whose place the job's secret is put; asked for apart."""
    random: str | None = None
    """A word in ``files`` for a password that the PC makes up and nobody knows."""
    drivers: dict[str, str] = field(default_factory=dict)
    """The image server's folder of drivers by model; ``*`` in a model stands for anything. A
    folder's last name is the digest of its list: see :mod:`ictops.imaging.agent.drivers`."""


@dataclass(frozen=True, slots=True)
class Erase:
    """What is to be erased: every disk named here, and no other."""

    serials: tuple[str, ...]
    sample: int = 100
    """Places of a disk, at random, that are read back."""


@dataclass(frozen=True, slots=True)
class Capture:
    """How much of a reference PC's disk its boot server takes."""

    most: int
    """Bytes, as they are sent: compressed."""

    def __post_init__(self) -> None:
        if self.most <= 0:
            raise ValueError("a capture takes something")


@dataclass(frozen=True, slots=True)
class BootFile:
    """A file of the agent's own boot, that a PC with a cache keeps: see agent/bootpart.py."""

    name: str
    digest: str
    size: int

    def __post_init__(self) -> None:
        check(FILE, self.name, "file's name")
        check(DIGEST, self.digest, "digest")


@dataclass(frozen=True, slots=True)
class Job:
    """What one PC is to do, once."""

    ictops_job: Literal[1]
    id: str
    kind: JobKind
    host: str
    site: str
    mac: str
    uuid: str | None
    """The PC's SMBIOS UUID; None where nobody knows it yet: then the first PC's that asks."""
    not_before: str
    not_after: str
    image: ImageRef | None = None
    seeds: tuple[ImageRef, ...] = ()
    """Images of which the disk may still have chunks; of a capture, whose chunks are not sent."""
    disk: DiskChoice = DiskChoice()
    adapt: Adapt | None = None
    multicast: Multicast | None = None
    cache: int = 0
    """Bytes of the partition that keeps pieces at the PC; 0 for none."""
    boot: tuple[BootFile, ...] = ()
    """What a PC with a cache keeps, so that it starts its agent without a boot server."""
    standing: bool = False
    """Whether it is done at each boot within its window, not once; to heal only."""
    erase: Erase | None = None
    capture: Capture | None = None
    then: Literal["reboot", "poweroff"] = "reboot"

    def __post_init__(self) -> None:
        check(GUID, self.id, "job")
        check(HOST, self.host, "host")
        check(NAME, self.site, "site")
        check(MAC, self.mac, "MAC")
        if self.uuid is not None:
            check(GUID, self.uuid, "UUID")
        if moment(self.not_after) <= moment(self.not_before):
            raise ValueError("it ends before it begins")
        if (self.kind in {"image", "heal"}) != (self.image is not None):
            raise ValueError(f"a job that is to {self.kind} names an image, or must not")
        if (self.kind == "erase") != (self.erase is not None):
            raise ValueError("only a job that is to erase says what to erase")
        if (self.kind == "capture") != (self.capture is not None):
            raise ValueError("only a job that is to capture says how much is taken")
        if self.standing and self.kind != "heal":
            raise ValueError("only a job that is to heal is done at each boot")
        if self.cache < 0:
            raise ValueError("a cache has no size below nothing")
