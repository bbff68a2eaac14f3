"""Building what PCs boot while they are imaged, for the boot servers of this workspace."""

from __future__ import annotations

from pathlib import Path

from ictops.imaging.linux.build import AgentLinux, build
from ictops.settings import Settings


def agent_folder(settings: Settings) -> Path:
    """Give the folder of the agent's Linux."""
    return settings.resolve(settings.state_dir) / "imaging/agent"


def build_agent(settings: Settings, mirror: str = "") -> AgentLinux:
    """Build the agent's Linux, with whom its PCs trust: this workspace's boot servers and keys.

    :raises ImagingError: see :func:`ictops.imaging.linux.build.build`.
    """
    folder = agent_folder(settings)
    ca = folder.parent / "ca/ca.crt"
    return build(folder, ca=ca, signers=folder.parent / "signing/allowed_signers", mirror=mirror)
