"""What stays on a host: it takes modules over its standard input and runs each in a child.

This file is sent to the host and run there by the host's own Python (3.8 or newer), so it
imports nothing but the standard library. A request is a line of JSON with the size of the
bytes that follow it; so is an answer. One request is served at a time.

A module runs in a forked child, as it would in a fresh Python: nothing that it changes in
its process (environment, working directory, imports, limits) is left to the next one. What
every module imports is imported once, before the fork, which is where the time goes.
"""

from __future__ import annotations

import atexit
import gc
import importlib.machinery
import importlib.util
import json
import marshal
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import threading
import traceback
import types
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Table = dict[str, tuple[str, bool]]
    """What a module consists of: name to digest of the code, and whether it is a package."""

PLAIN_EXIT = 213
"""A child's exit status for: this must be run the plain way, and nothing was done yet."""
PLAIN_NOTE = b"ictops: to be run the plain way"

PAYLOAD = "/ansiballz/payload.zip"
"""Where modules seem to come from, for those that look at their own path."""
LOADER = "ansible.module_utils._internal._ansiballz._loader"
BASIC = "ansible.module_utils.basic"
RESPAWN = "ansible.module_utils.common.respawn"
PROFILES = "ansible.module_utils._internal._json._profiles."


class Modules:
    """Imports what the controller sent, as zipimport does with the payload of a module."""

    def __init__(self) -> None:
        self.table: Table = {}
        """Of the module in hand."""
        self.codes: dict[str, Any] = {}
        """What was sent, by digest: compressed until it is first asked for."""
        self.compiled = True
        """Whether it was compiled by the controller, whose Python is like ours."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        found = self.table.get(name)
        if found is None:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=found[1])  # type: ignore[arg-type]
        init = "/__init__" if found[1] else ""
        spec.origin = f"{PAYLOAD}/{name.replace('.', '/')}{init}.py"
        spec.has_location = True
        return spec

    def create_module(self, _spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> Any:
        digest = self.table[name][0]
        code = self.codes[digest]
        if isinstance(code, bytes):
            data = zlib.decompress(code)
            code = marshal.loads(data) if self.compiled else compile_source(data, name)
            self.codes[digest] = code
        return code

    def is_package(self, name: str) -> bool:
        return self.table[name][1]


def compile_source(source: bytes, name: str) -> Any:
    return compile(source, f"{PAYLOAD}/{name.replace('.', '/')}.py", "exec", dont_inherit=True)


class Resident:
    """Serves requests until its standard input ends."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self.requests = requests
        self.answers = answers
        self.modules = Modules()
        self.tables: dict[int, Table] = {}
        """Of each payload that was sent, by its number."""
        self.loaded: dict[str, str] = {}
        """What was imported before the fork: name to digest."""

    def serve(self) -> Callable[[], None] | None:
        """Answer requests until there are no more; in a forked child, give what it has to do."""
        while True:
            line = self.requests.readline()
            if not line:
                return None
            ask = json.loads(line)
            body = self.requests.read(ask["size"])
            if ask["do"] == "module":
                self.take(ask, body)
                child = self.fork(ask)
                if child is not None:
                    return child
            elif ask["do"] == "shell":
                self.shell(ask["command"])
            elif ask["do"] == "put":
                self.put(ask["path"], body)
            else:
                self.answer({})

    def answer(self, said: dict[str, Any], *bodies: bytes) -> None:
        said["sizes"] = [len(body) for body in bodies]
        self.answers.write(json.dumps(said).encode() + b"\n" + b"".join(bodies))
        self.answers.flush()

    def take(self, ask: dict[str, Any], body: bytes) -> None:
        """Keep what is new: the table of a payload, and code that no payload had before."""
        at = 0
        for digest, size in ask.get("codes", ()):
            self.modules.codes[digest] = body[at : at + size]
            at += size
        if "table" in ask:
            self.tables[ask["payload"]] = ask["table"]
        self.modules.table = self.tables[ask["payload"]]
        self.modules.compiled = ask["compiled"]

    def preload(self) -> bool:
        """Import what every module imports, once; tell whether this one brings just the same."""
        table = self.modules.table
        if not self.loaded:
            sys.meta_path.insert(0, self.modules)
            for name in (LOADER, *(n for n in table if n.startswith(PROFILES))):
                importlib.import_module(name)
            self.loaded = {name: table[name][0] for name in table if name in sys.modules}
            if not self.modules.compiled:  # compiled once here, and not in every child
                for name in table:
                    self.modules.get_code(name)
            gc.freeze()  # what is there now is shared with every child, untouched
        return all(table.get(name, ("",))[0] == digest for name, digest in self.loaded.items())

    def fork(self, ask: dict[str, Any]) -> Callable[[], None] | None:
        """Run a module in a child and answer what it printed; in the child, give its work."""
        try:
            same = self.preload()
        except Exception:
            self.answer({"plain": traceback.format_exc()})
            return None
        if not same:
            self.answer({"plain": "it brings another version of what is loaded already"})
            return None
        out, err = memory(), memory()
        pid = os.fork()
        if pid == 0:
            self.become_child(out, err)
            return lambda: run_module(ask, self.modules.table)
        _pid, status = os.waitpid(pid, 0)
        printed, complained = contents(out), contents(err)
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if code == PLAIN_EXIT and complained == PLAIN_NOTE:
            self.answer({"plain": "it wants to start itself again in another Python"})
        else:
            self.answer({"rc": code}, printed, complained)
        return None

    def become_child(self, out: int, err: int) -> None:
        """Have standard streams of its own, and nothing to do with the controller."""
        os.setsid()
        os.close(self.answers.fileno())
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
            os.close(source)

    def shell(self, command: str) -> None:
        """Run a command as sshd would: by a shell, with nothing on its standard input."""
        out, err = memory(), memory()
        rc = subprocess.call(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        self.answer({"rc": rc if rc >= 0 else 128 - rc}, contents(out), contents(err))

    def put(self, path: str, body: bytes) -> None:
        try:
            Path(path).write_bytes(body)
        except OSError as error:
            self.answer({"error": str(error)})
        else:
            self.answer({})


def run_module(ask: dict[str, Any], table: Table) -> None:
    """Run the module as Ansible's own wrapper does, and end the process as Python would."""
    code: Any = 1
    try:
        limit_files(ask["rlimit"])
        sys.argv = [""]
        if BASIC in table:
            importlib.import_module(BASIC).selectors = HASTY  # type: ignore[attr-defined]
        if RESPAWN in table:
            importlib.import_module(RESPAWN).respawn_module = leave_to_plain  # type: ignore[attr-defined]
        importlib.import_module(LOADER).run_module(
            json_params=ask["params"].encode(),
            profile=ask["profile"],
            module_fqn=ask["module"],
            modlib_path="",
            extensions={},
        )
    except SystemExit as stop:
        code = 0 if stop.code is None else stop.code
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        # What Python does at its end, but for taking its memory apart piece by piece.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code & 0xFF)


class HastySelector(selectors.PollSelector):
    """Waits for nothing where there is nothing to wait for.

    run_command looks twice whether a command has ended; of one that ends between the two it
    waits a second for output on pipes that are all closed.
    """

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout) if self.get_map() else []


HASTY = types.SimpleNamespace(**{**vars(selectors), "PollSelector": HastySelector})


def leave_to_plain(_interpreter: str) -> None:
    """Stand in for respawn_module, which needs the payload as a file."""
    os.write(2, PLAIN_NOTE)
    os._exit(PLAIN_EXIT)


def limit_files(wanted: int) -> None:
    """Set how many files a module may have open, as Ansible's own wrapper does."""
    if wanted:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if min(hard, wanted) != soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted), hard))


def memory() -> int:
    """Give a file that has no name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("ictops")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def contents(fd: int) -> bytes:
    """Give all that was written to the file, and close it."""
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read()


def main() -> None:
    """Serve on standard input and output, which no child gets to see."""
    sys.path[:] = [folder for folder in sys.path if folder not in ("", ".")]
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    work = Resident(sys.stdin.buffer, answers).serve()
    if work is not None:
        work()
    os._exit(0)  # nothing is left to do but to take memory apart


if __name__ == "__main__":
    main()
