"""Where the agent begins: with a boot server, or with what the PC's own disk keeps."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

from ictops.imaging.agent import local
from ictops.imaging.agent.machine import this_pc
from ictops.imaging.agent.main import Options, run
from ictops.imaging.agent.receive import widen_buffers

_NOBODY = "http://boot-server.invalid"
"""RFC 2606: this name never leads anywhere. A PC that is healed may know no boot server."""
_KEPT = ("ictops.server=", "ictops.bulk=", "console=", "panic=")


def main() -> None:
    """Run on this PC, as the kernel's command line says."""
    # Some million small objects, and no circles: looking for those takes a third of the start.
    gc.disable()
    line = Path("/proc/cmdline").read_text()
    told, options = kernel_words(line), options_of(line)
    pc = this_pc(booted_by(told))
    if told.get("ictops.local") == "1":
        local.run_locally(replace(options, patience=local.PATIENCE), pc)
    else:
        widen_buffers()
        run(options, pc)


def options_of(line: str) -> Options:
    """Give what the agent's own kernel was told by its command line."""
    told = kernel_words(line)
    server = told.get("ictops.server", "")
    return Options(
        server=server,
        bulk=told.get("ictops.bulk") or server.replace("https://", "http://", 1) or _NOBODY,
        ca=Path("/etc/ictops/ca.crt"),
        allowed=Path("/etc/ictops/allowed_signers"),
        arguments=tuple(kept_words(line)),
    )


def booted_by(told: dict[str, str]) -> str:
    """Give the MAC of the card that the PC booted by; nothing if it booted from its disk.

    PXELINUX's way to say it, BOOTIF, has the kind of network before it: ``01-02-1c-…``.
    """
    return told.get("ictops.mac") or told.get("BOOTIF", "").lower()[3:].replace("-", ":")


def kernel_words(line: str) -> dict[str, str]:
    """Read ``name=value`` words of the kernel's command line."""
    return dict(one.split("=", 1) for one in line.split() if "=" in one)


def kept_words(line: str) -> list[str]:
    """Give what of a kernel's command line is as true when it is started from the disk."""
    return [one for one in line.split() if one.startswith(_KEPT)]
