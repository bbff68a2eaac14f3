#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health checks of software: one command for each, all in one round trip."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: software_health
short_description: Run the health checks of software
description:
  - Runs each command and fails if one does not exit with 0 in time; the message says which
    and why. A command that takes too long is ended on the host, with all that it started.
  - Does nothing in check mode.
options:
  checks:
    description: By name, the command as a list of words; no shell reads it.
    type: dict
    required: true
  seconds:
    description: Seconds that each may take.
    type: int
    default: 60
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Check that the browser works
  ictops.schools.software_health:
    checks:
      firefox-esr: [firefox-esr, --version]
"""

RETURN = r"""
failed_checks:
  description: By name, why a check failed.
  returned: always
  type: dict
"""

LONGEST = 500
"""Characters of what a failed command said that are told; the end is where the reason is."""


def check(words: list[str], seconds: float) -> str:
    """Run one command; give nothing if it exits with 0, else why it is not well.

    What it says goes to a file: a program that it leaves running would keep a pipe open.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,  # so that it can be ended with what it started
            )
        except OSError as error:
            return f"{words[0]}: {error.strerror}"
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"took longer than {seconds} s"
        if code == 0:
            return ""
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    return said[-LONGEST:] or f"exit code {code}, without a word"


def main() -> None:
    """Run every check, and fail with all reasons at once."""
    module = AnsibleModule(
        argument_spec={
            "checks": {"type": "dict", "required": True},
            "seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=False,
    )
    failed = {}
    for name, words in module.params["checks"].items():
        if not isinstance(words, list) or not words:
            module.fail_json(msg=f"the health check of {name} is no list of words: {words!r}")
        if reason := check([str(word) for word in words], module.params["seconds"]):
            failed[name] = reason
    if failed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        module.fail_json(msg=f"the health check failed: {reasons}", failed_checks=failed)
    module.exit_json(changed=False, failed_checks={})


if __name__ == "__main__":
    main()
