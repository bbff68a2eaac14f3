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
UNATTEND = "/Windows/Panther/unattend.xml"
"""Where Windows Setup looks for its answers (Microsoft: Windows Setup automation overview)."""
SECRET_WORD = "@ICTOPS-SECRET@"  # noqa: S105 - what stands in the secret's place
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
    unattend: str = ""
    """Windows' answers."""
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

    :raises ImageError: if the image asks for something that is not there.
    """
    about = {"image": image.name, "version": image.version, "digest": image.digest, "job": job}
    files = [SeedFile(IMAGE_FILES[manifest.system], json.dumps(about, sort_keys=True) + "\n")]
    if manifest.seed == "nocloud":
        files += _nocloud(target.host, job, wanted)
    elif manifest.seed == "unattend":
        if not wanted.unattend:
            raise ImageError(
                f"image {image.name} asks for an unattend.xml",
                where=target.host,
                do="Set workstation_image_unattend",
            )
        files.append(SeedFile(UNATTEND, wanted.unattend, 0o600))
    hides = any(SECRET_WORD in one.text for one in files)
    return Adapt(
        host_name=target.host,
        authorized_keys=dict(wanted.authorized_keys),
        files=tuple(files),
        secret=SECRET_WORD if hides else None,
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
