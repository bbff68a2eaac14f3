"""Where the agent begins: with a boot server, or with what the PC's own disk keeps."""

from __future__ import annotations

import gc
from pathlib import Path

from ictops.imaging.agent import local
from ictops.imaging.agent.machine import this_pc
from ictops.imaging.agent.main import Options, kernel_words
from ictops.imaging.agent.main import main as with_server

_NOBODY = "http://boot-server.invalid"
"""RFC 2606: this name never leads anywhere."""


def main() -> None:
    """Run on this PC, as the kernel's command line says."""
    # Some million small objects, and no circles: looking for those takes a third of the start.
    gc.disable()
    told = kernel_words(Path("/proc/cmdline").read_text())
    if told.get("ictops.local") != "1":
        with_server()
        return
    server = told.get("ictops.server", "")
    bulk = told.get("ictops.bulk") or server.replace("https://", "http://", 1) or _NOBODY
    ca, allowed = Path("/etc/ictops/ca.crt"), Path("/etc/ictops/allowed_signers")
    local.run_locally(
        Options(server, bulk, ca, allowed, patience=local.PATIENCE),
        this_pc(told.get("ictops.mac", "")),
    )
