"""Reading ``notify.yml``; no error shows anything of what a value is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ictops.errors import NotifyError
from ictops.notify.model import Notify
from ictops.trust.opened import open_yaml

FILE_NAME = "notify.yml"
"""In the cluster's folder."""

_NOTHING = "tag:yaml.org,2002:null"
_HELP = "docs/notify.md shows how it is written"


def read_notify(path: Path, password: Callable[[], bytes | None]) -> Notify:
    """Read who is told of what.

    :param password: gives the vault's, where something is vaulted.
    :raises NotifyError: with file and line, if it is not there or not as it must be.
    :raises TrustError: if what is vaulted in it cannot be opened.
    """
    try:
        root = open_yaml(path, password)
    except OSError as error:
        raise NotifyError(f"cannot be read: {error.strerror}", where=str(path), do=_HELP) from error
    except UnicodeDecodeError as error:
        raise NotifyError("is not UTF-8 text", where=str(path)) from error
    except yaml.YAMLError as error:
        # What was read so far, which the parser's own words show, may be a secret.
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise NotifyError("broken YAML", where=where, do=_HELP) from None
    try:
        return Notify.model_validate({} if root is None else _plain(root))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        line = _line(root, first["loc"])
        raise NotifyError(_said(first), where=f"{path}:{line}", do=_HELP) from None


def _plain(node: yaml.Node) -> Any:
    """Give a node as data: texts as they are written, so that 21:30 is no number."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return None if node.tag == _NOTHING else node.value


def _line(root: yaml.Node | None, place: Sequence[int | str]) -> int:
    """Give the line of what is wrong, or of what it is missing in."""
    node, line = root, 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if str(key.value) == step]
            if not found:
                break
            key, node = found[-1]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _said(error: Any) -> str:
    """Give what pydantic found in our words."""
    whole = ".".join(str(part) for part in error["loc"]) or FILE_NAME
    *above, last = (str(part) for part in error["loc"] or (FILE_NAME,))
    inside = f"{'.'.join(above)}: " if above else ""
    match error["type"]:
        case "extra_forbidden":
            return f"{inside}there is no key {last!r}"
        case "missing":
            return f"{inside}{last!r} is missing"
        case "model_type" | "dict_type":
            return f"{whole}: a mapping is wanted here (name: value)"
        case "tuple_type":
            return f"{whole}: a list is wanted here"
        case "string_pattern_mismatch":
            return f"{inside}{last} has letters a-z, digits and dashes only"
    return f"{inside}{last}: {error['msg'].removeprefix('Value error, ')}"
