"""Residents of this machine's own Python, and the scripts that Ansible would send to them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

from ictops.settings import content_dir

COLLECTIONS = str(content_dir() / "collections")
sys.path.insert(0, COLLECTIONS)

from ansible_collections.ictops.schools.plugins.plugin_utils.resident.channel import (  # noqa: E402
    Channel,
    greeting,
    starter,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.payload import (  # noqa: E402
    Module,
    read_module,
)

BUILD = """
import json, sys
from types import SimpleNamespace
from ansible.plugins.loader import init_plugin_loader
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.executor.module_common import modify_module

init_plugin_loader()
for line in sys.stdin:
    asked = json.loads(line)
    built = modify_module(
        module_name=asked["name"],
        module_path=asked["path"],
        module_args=asked["args"],
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
    )
    print(json.dumps(built.b_module_data.decode()), flush=True)
"""

Build = Callable[..., bytes]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Give the script that Ansible itself makes of a module's source and arguments.

    In a process of its own: Ansible's plugin loader changes how a whole process imports.
    """
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = tmp_path_factory.mktemp("modules")
    names: dict[str, str] = {}

    def make(source: str, **args: object) -> bytes:
        name = names.setdefault(source, f"made_up_{len(names)}")
        path = folder / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        args |= {"_ansible_version": "2.19", "_ansible_tracebacks_for": []}
        assert builder.stdin is not None
        assert builder.stdout is not None
        print(
            json.dumps({"name": name, "path": str(path), "args": args}),
            file=builder.stdin,
            flush=True,
        )
        script = json.loads(builder.stdout.readline())
        assert isinstance(script, str)
        return script.encode()

    with builder:
        yield make
        assert builder.stdin is not None
        builder.stdin.close()


@pytest.fixture(scope="session")
def module(build: Build) -> Callable[..., Module]:
    """Give a module as it is sent to a resident."""

    def make(source: str, **args: object) -> Module:
        found = read_module(build(source, **args))
        assert found is not None
        return found

    return make


def start(by: str = "exec {}") -> Channel:
    """Start a resident of the Python that runs the tests, by this shell command."""
    greet = greeting()
    return Channel(["/bin/sh", "-c", by.format(starter(sys.executable, greet))], greet, patience=20)


@pytest.fixture
def channel() -> Iterator[Channel]:
    """A resident of the Python that runs the tests."""
    made = start()
    yield made
    made.close()


def said(stdout: bytes) -> dict[str, object]:
    """Read what a module said."""
    found = json.loads(stdout)
    assert isinstance(found, dict)
    return found
