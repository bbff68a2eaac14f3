"""What a module consists of, taken out of the script that Ansible would start on the host."""

from __future__ import annotations

import _imp
import ast
import base64
import hashlib
import io
import marshal
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import ansible

MAGIC = MAGIC_NUMBER.hex()
"""Python reads code that was compiled by a Python with the same magic number."""

_CALL = b'\nif __name__ == "__main__":\n    _ansiballz_main(\n'
_ARGUMENTS = {
    *("ansible_module", "module_fqn", "params", "profile", "date_time", "rlimit_nofile"),
    *("extensions", "zip_data"),
}
_SITE_PACKAGES = Path(ansible.__file__).parent.parent


@dataclass(frozen=True)
class Code:
    """One Python file of a payload, ready to be sent."""

    digest: str
    compiled: bytes
    source: bytes
    """Both compressed; the source is for hosts with another Python."""


@dataclass(frozen=True)
class Payload:
    """The files of a module."""

    number: int
    table: dict[str, tuple[str, bool]]
    """Name of each Python module to the digest of its code, and whether it is a package."""
    codes: list[Code]


@dataclass(frozen=True)
class Module:
    """A module with its arguments."""

    name: str
    params: str
    profile: str
    rlimit: int
    payload: Payload


def read_module(script: bytes) -> Module | None:
    """Read the script that Ansible pipes to a host's Python; None if it is not quite as known.

    It is AnsiballZ of ansible-core 2.19: what it does on the host is done by ``host.py`` too.
    """
    _wrapper, call, arguments = script.rpartition(_CALL)
    if not call or b"\n_ANSIBALLZ_WRAPPER = True\n" not in script[:2000]:
        return None
    values: dict[str, str] = {}
    for line in arguments.decode().splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key] = value.removesuffix(",")
    if values.keys() != _ARGUMENTS or values["extensions"] != "{}":
        return None
    return Module(
        name=ast.literal_eval(values["module_fqn"]),
        params=ast.literal_eval(values["params"]),
        profile=ast.literal_eval(values["profile"]),
        rlimit=int(values["rlimit_nofile"]),
        payload=_payload(values["zip_data"]),
    )


_payloads: dict[str, Payload] = {}


def _payload(zip_data: str) -> Payload:
    found = _payloads.get(zip_data)
    if found is None:
        found = _payloads[zip_data] = _unpack(base64.b64decode(zip_data), len(_payloads))
    return found


def _unpack(data: bytes, number: int) -> Payload:
    table: dict[str, tuple[str, bool]] = {}
    codes: list[Code] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for path in archive.namelist():
            name = path.removesuffix(".py").replace("/", ".")
            is_package = name.endswith(".__init__")
            code = _code(name.removesuffix(".__init__"), path, archive.read(path))
            table[name.removesuffix(".__init__")] = (code.digest, is_package)
            codes.append(code)
    return Payload(number, table, codes)


@cache
def _code(name: str, path: str, source: bytes) -> Code:
    digest = hashlib.sha256(path.encode() + b"\0" + source).hexdigest()
    where = f"/ansiballz/payload.zip/{path}"
    installed = _SITE_PACKAGES / path
    if installed.is_file() and installed.read_bytes() == source:
        compiled = SourceFileLoader(name, str(installed)).get_code(name)  # from its .pyc
        _imp._fix_co_filename(compiled, where)  # type: ignore[attr-defined]
    else:
        compiled = compile(source, where, "exec", dont_inherit=True)
    return Code(digest, zlib.compress(marshal.dumps(compiled), 1), zlib.compress(source, 1))
