"""JSON from outside to frozen dataclasses, and back: no unknown, missing or wrong field."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")


class NotAsAgreed(ValueError):
    """What was read is not what both sides agreed on; says which field."""


def loads(cls: type[T], text: str | bytes) -> T:
    """Read a dataclass from JSON.

    :raises NotAsAgreed: naming the field that is wrong.
    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotAsAgreed(f"this is no JSON: {error}") from error
    return from_data(cls, data)


def dumps(value: Any) -> bytes:
    """Write a dataclass as JSON: always the same bytes for the same value."""
    data = dataclasses.asdict(value)
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_data(cls: type[T], data: object) -> T:
    """Make a dataclass of what JSON held.

    :raises NotAsAgreed: naming the field that is wrong.
    """
    made: T = _read(cls, data, cls.__name__.lower())
    return made


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _read(kind: Any, data: object, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_fields(kind, data, where)
    if origin is Literal:
        if not any(data == one and type(data) is type(one) for one in arguments):
            raise NotAsAgreed(f"{where}: {data!r} is none of {', '.join(map(repr, arguments))}")
        return data
    if origin in {Union, types.UnionType}:
        if data is None and type(None) in arguments:
            return None
        (other,) = (one for one in arguments if one is not type(None))
        return _read(other, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise NotAsAgreed(f"{where}: a list is wanted")
        return tuple(_read(arguments[0], one, f"{where}[{n}]") for n, one in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise NotAsAgreed(f"{where}: names and values are wanted")
        return {
            _read_plain(str, name, where): _read(arguments[1], one, f"{where}.{name}")
            for name, one in data.items()
        }
    return _read_plain(kind, data, where)


def _read_plain(kind: Any, data: object, where: str) -> Any:
    try:
        if kind is float and type(data) is int:
            data = float(data)
        if isinstance(data, str):
            data.encode()
    except (OverflowError, UnicodeEncodeError) as error:
        raise NotAsAgreed(f"{where}: {error}") from error
    if type(data) is not kind:
        raise NotAsAgreed(f"{where}: {kind.__name__} is wanted, not {type(data).__name__}")
    if isinstance(data, float) and not math.isfinite(data):  # other readers of JSON know none such
        raise NotAsAgreed(f"{where}: a number is wanted")
    return data


def _read_fields(cls: type[Any], data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise NotAsAgreed(f"{where}: names and values are wanted")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise NotAsAgreed(f"{where}: there is no {unknown[0]!r}")
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(cls)
    for name, field in fields.items():
        if name in data:
            values[name] = _read(hints[name], data[name], f"{where}.{name}")
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise NotAsAgreed(f"{where}: {name!r} is missing")
    try:
        return cls(**values)
    except NotAsAgreed:
        raise
    except ValueError as error:
        raise NotAsAgreed(f"{where}: {error}") from error
