"""Reading YAML that anybody may have written, without being drowned by it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError

MOST_BYTES = 32 * 2**20
"""A plan for 100,000 hosts has 2 MB, a site's file with 3,000 hosts less than one."""
MOST_VALUES = 1_000_000
"""To which the anchors of a file may unfold: ten lines can otherwise become gigabytes."""


def read_bytes(path: Path) -> bytes:
    """Give the content of a file.

    :raises OSError: also if it is no ordinary file, or far too large.
    """
    # Without waiting: a pipe that nobody writes to would be waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "It is no regular file")
        if status.st_size > MOST_BYTES:
            size = status.st_size / 1e6
            raise OSError(errno.EFBIG, f"It has {size:.0f} MB; more than 32 MB cannot be meant")
        content: bytes = file.read()
    return content


def read_text(path: Path) -> str:
    """Give the text of a file in UTF-8.

    :raises OSError: as :func:`read_bytes`.
    :raises UnicodeDecodeError: if it is no such text.
    """
    return read_bytes(path).decode("utf-8-sig")


def compose(content: bytes | str, loader: type[yaml.CSafeLoader] = yaml.CSafeLoader) -> Any:
    """Give the root node of a YAML text, or None where it is empty.

    :raises yaml.YAMLError: also where its anchors unfold to far too much.
    """
    root = yaml.compose(content, loader)
    if root is not None:
        _refuse_too_much(root)
    return root


def load(content: bytes | str, loader: type[yaml.CSafeLoader]) -> Any:
    """Give a YAML text as data, as ``loader`` makes it.

    :raises yaml.YAMLError: also where its anchors unfold to far too much, or a value cannot be
        what it seems, such as 2026-13-45.
    """
    root = compose(content, loader)
    if root is None:
        return None
    maker = loader("")
    try:
        return maker.construct_document(root)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=root.start_mark) from error
    finally:
        maker.dispose()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file of the inventory into an error with file and line.

    :raises InventoryError: for an OSError, and for text that is not UTF-8 or not YAML.
    """
    try:
        yield
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InventoryError("is not UTF-8 text", where=str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InventoryError(f"broken YAML: {error.problem}", where=f"{path}:{line}") from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise InventoryError(f"broken YAML: {first}", where=str(path)) from error


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_too_much(root: yaml.Node) -> None:
    """Count what every node unfolds to, each once, and without a call inside a call."""
    sizes: dict[int, int] = {}
    todo = [(root, iter(_children(root)))]
    above = {id(root)}
    while todo:
        node, rest = todo[-1]
        child = next(rest, None)
        if child is None:
            sizes[id(node)] = 1 + sum(sizes[id(one)] for one in _children(node))
            above.discard(id(node))
            todo.pop()
        elif id(child) in above:
            raise yaml.MarkedYAMLError(
                problem="a value that holds itself", problem_mark=child.start_mark
            )
        elif isinstance(child, yaml.ScalarNode):
            sizes[id(child)] = 1
        elif id(child) not in sizes:
            above.add(id(child))
            todo.append((child, iter(_children(child))))
    if sizes[id(root)] > max(MOST_VALUES, len(sizes)):
        raise yaml.MarkedYAMLError(
            problem=f"its anchors unfold to {sizes[id(root)]:,} values",
            problem_mark=root.start_mark,
        )
