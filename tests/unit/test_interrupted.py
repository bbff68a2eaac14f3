"""That tests which are told to end take away what they made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFTEST = """
from tests.support.interrupted import Interrupted

def pytest_configure(config):
    config.pluginmanager.register(Interrupted())
"""
TEST = """
import pathlib, time
import pytest

@pytest.fixture(scope="session")
def made():
    one = pathlib.Path(__file__).with_suffix(".made")
    one.touch()
    yield
    time.sleep(1)
    one.unlink()

def test(made):
    time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "loadscope"]])
def test_who_is_told_to_end_cleans_up(
    tmp_path: Path, number: signal.Signals, options: list[str]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    names = ["a", "b"] if options else ["a"]
    for name in names:
        (tmp_path / f"test_{name}.py").write_text(TEST)
    made = [tmp_path / f"test_{name}.made" for name in names]
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "--rootdir", tmp_path, tmp_path, *options],
        env={**own, "PYTHONPATH": str(Path(__file__).parents[2])}, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as tests:  # fmt: skip
        try:
            until = time.monotonic() + 60
            while not all(one.exists() for one in made) and time.monotonic() < until:
                time.sleep(0.05)
            assert all(one.exists() for one in made)
            os.killpg(tests.pid, number)  # as a terminal's Ctrl-C does
            said = tests.communicate(timeout=60)[0]
        finally:
            tests.kill()
    assert tests.returncode == pytest.ExitCode.INTERRUPTED, said
    assert not any(one.exists() for one in made), said
