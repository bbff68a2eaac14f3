"""Jobs as the control box makes and signs them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import ImageError
from ictops.imaging import unattend
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import (
    Adapt,
    DiskChoice,
    ImageRef,
    Job,
    JobKind,
    Multicast,
    SeedFile,
)
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.signature import SignatureWrong, sign

TURNS = 8
"""How often a job may be armed anew in one run after its window closed, or it was cancelled."""
IMAGE_FILES = {"linux": "/etc/ictops-image", "windows": "/ProgramData/ictops/image.json"}
"""By system, the file by which a host says which job wrote it."""
NOCLOUD = "/var/lib/cloud/seed/nocloud"
"""Where cloud-init looks for its seed (cloud-init's manual, data source NoCloud)."""
_SPACE = uuid.UUID("5d0f2a0c-93b5-5b0e-8a53-0d6c1f6f7a11")


@dataclass(frozen=True, slots=True)
class Target:
    """A host, as a job needs to know it."""

    host: str
    site: str
    mac: str
    uuid: str | None = None
    disk: DiskChoice = field(default_factory=DiskChoice)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a system that is written is told of the host that it becomes."""

    authorized_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Public keys by account."""
    user_data: Mapping[str, Any] = field(default_factory=dict)
    """More of cloud-init's user-data."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """cloud-init's network-config; nothing for DHCP."""
    windows: Mapping[str, Any] = field(default_factory=dict)
    """Windows' answers: fields of :class:`ictops.imaging.unattend.Answers`."""
    join: bool = False
    """Whether a Windows joins a domain, by account data that are the job's secret."""
    unattend: str = ""
    """A whole unattend.xml in the place of these."""
    drivers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signed:
    """A job as it is handed to the boot server."""

    job: str
    signature: str


def job_ids(run: str, host: str, kind: str) -> list[str]:
    """Give the ids of a host's jobs in one run, in their turn.

    The same for the same run and host: whoever carries a run on finds the job that is there
    and makes no second one. The next id is taken only where the job before is over and was
    not done: its window closed, or a person cancelled it.
    """
    return [str(uuid.uuid5(_SPACE, f"{run}\n{host}\n{kind}\n{turn}")) for turn in range(TURNS)]


def group_of(run: str, site: str, room: str, hosts: Iterable[str]) -> Multicast | None:
    """Give the session of the PCs of a room that are imaged together; None if it is only one."""
    members = sorted(hosts)
    if len(members) < 2:  # noqa: PLR2004
        return None
    name = "\n".join([run, site, room, *members])
    return Multicast(str(uuid.uuid5(_SPACE, name)), len(members))


def adapted(target: Target, manifest: Manifest, image: ImageRef, job: str, wanted: Wanted) -> Adapt:
    """Give what makes a written system this host.

    :raises ImageError: if Windows would not take an answer.
    """
    about = {"image": image.name, "version": image.version, "digest": image.digest, "job": job}
    files = [SeedFile(IMAGE_FILES[manifest.system], json.dumps(about, sort_keys=True) + "\n")]
    if manifest.seed == "nocloud":
        files += _nocloud(target.host, job, wanted)
    elif manifest.seed == "unattend":
        files += _unattend(target.host, wanted)
    return Adapt(
        host_name=target.host,
        authorized_keys=dict(wanted.authorized_keys),
        files=tuple(files),
        secret=_word(unattend.SECRET, files),
        random=_word(unattend.RANDOM, files),
        drivers=dict(wanted.drivers),
    )


def make_job(
    target: Target, kind: JobKind, *, job: str, not_before: str, not_after: str, **more: Any
) -> Job:
    """Make a job.

    :param job: its id, see :func:`job_ids`.
    :param more: other fields of :class:`Job`.
    :raises ImageError: if there can be no such job.
    """
    try:
        return Job(
            ictops_job=1, id=job, kind=kind, host=target.host, site=target.site, mac=target.mac,
            uuid=target.uuid, disk=target.disk, not_before=not_before, not_after=not_after, **more,
        )  # fmt: skip
    except ValueError as error:
        raise ImageError(f"there can be no such job: {error}", where=target.host) from error


def signed(job: Job, key: Path) -> Signed:
    """Sign a job.

    :param key: the control box's private key.
    :raises ImageError: if it cannot be used.
    """
    text = strict.dumps(job)
    strict.loads(Job, text)  # what the PC would refuse is refused here
    try:
        return Signed(text.decode(), sign(text, "ictops-job", key))
    except (SignatureWrong, OSError) as error:
        raise ImageError(
            f"the job cannot be signed: {error}", where=str(key), do="docs/imaging.md says more"
        ) from error


def _nocloud(host: str, job: str, wanted: Wanted) -> list[SeedFile]:
    user_data = {
        # The host keys were made on the PC by its agent, and are pinned already.
        "ssh_deletekeys": False,
        "ssh_genkeytypes": [],
        "preserve_hostname": False,
        "hostname": host,
        **wanted.user_data,
    }
    texts = {
        "meta-data": yaml.safe_dump({"instance-id": job, "local-hostname": host}),
        "user-data": "#cloud-config\n" + yaml.safe_dump(user_data, sort_keys=False),
    }
    if wanted.network:
        texts["network-config"] = yaml.safe_dump(dict(wanted.network), sort_keys=False)
    return [SeedFile(f"{NOCLOUD}/{name}", text, 0o600) for name, text in texts.items()]


def _unattend(host: str, wanted: Wanted) -> tuple[SeedFile, ...]:
    if wanted.unattend:
        return (SeedFile(unattend.UNATTEND, wanted.unattend, 0o600),)
    fields = {**wanted.windows, "host_name": host, "join": wanted.join}
    try:
        answers = strict.from_data(unattend.Answers, fields)
    except strict.NotAsAgreed as error:
        raise ImageError(
            f"workstation_image_windows is wrong: {error}",
            where=host,
            do="The README of the role workstation_image names what can be there",
        ) from error
    return unattend.files(answers)


def _word(word: str, files: Iterable[SeedFile]) -> str | None:
    return word if any(word in one.text for one in files) else None
