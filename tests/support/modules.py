"""Modules of the collection as Ansible runs them: each in a process, told of by JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

MODULES = "ansible_collections.ictops.schools.plugins.modules"


def begin(name: str, arguments: Mapping[str, Any]) -> subprocess.Popen[str]:
    """Start a module in a process group of its own, as Ansible's async does."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"{MODULES}.{name}"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    process.stdin.close()
    process.stdin = None
    return process


def said(process: subprocess.Popen[str], seconds: float = 600) -> dict[str, Any]:
    """Give what a module says when it ends."""
    out, complaints = process.communicate(timeout=seconds)
    assert out, complaints
    told: dict[str, Any] = json.loads(out)
    return told
