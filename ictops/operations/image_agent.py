"""Building what PCs boot while they are imaged, for the boot servers of this workspace."""

from __future__ import annotations

from pathlib import Path

from ictops.imaging.images.signing import signing_of
from ictops.imaging.linux.authority import authority_of
from ictops.imaging.linux.build import AgentLinux, build
from ictops.imaging.published import imaging_folder
from ictops.settings import Settings


def agent_folder(settings: Settings) -> Path:
    """Give the folder of the agent's Linux."""
    return imaging_folder(settings).agent


def build_agent(settings: Settings, mirror: str = "") -> AgentLinux:
    """Build the agent's Linux; whom its PCs trust: this workspace's boot servers and key.

    :raises ImageError: see :func:`ictops.imaging.linux.build.build`.
    """
    imaging = imaging_folder(settings).path
    signers = signing_of(imaging).allowed
    return build(imaging / "agent", ca=authority_of(imaging), signers=signers, mirror=mirror)
