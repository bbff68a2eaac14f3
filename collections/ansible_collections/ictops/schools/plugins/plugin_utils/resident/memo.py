"""What Ansible works out again for each module and host, worked out once.

Files of modules are looked up and read once for a run of ansible-playbook: whoever changes one
meanwhile changes it for the next run.
"""

from __future__ import annotations

import atexit
import dataclasses
import gc
from functools import cache
from typing import Any

from ansible.executor import module_common
from ansible.executor.module_common import (
    LegacyModuleUtilLocator,
    ModuleDepFinder,
    _CachedModule,
)

NEW_OBJECTS = 20_000
"""After how many of them garbage is looked for; Python's own 700 is for small programs."""


class Text(str):
    """A long text whose ``repr`` is made once: Ansible asks for it for every host."""

    __slots__ = ("_repr",)

    def __repr__(self) -> str:
        if not hasattr(self, "_repr"):
            self._repr = super().__repr__()
        return self._repr


@cache
def remember() -> None:
    """Have the payload of a module, and what it is made of, worked out once."""
    module_common._compile_module_ast = cache(module_common._compile_module_ast)
    _remember_instances(ModuleDepFinder)
    _remember_instances(LegacyModuleUtilLocator)
    load = _CachedModule.load

    @cache
    def remembered(path: str) -> _CachedModule:
        found = load(path)
        return dataclasses.replace(found, zip_data=Text(found.zip_data.decode()))

    _CachedModule.load = remembered


def _remember_instances(kind: type[Any]) -> None:
    """Have an instance made once for the same arguments; instances are only read."""
    make = kind.__init__
    made: dict[tuple[Any, ...], dict[str, Any]] = {}

    def remembered(self: Any, *of: Any, **named: Any) -> None:
        key = (*of, *((name, _hashable(value)) for name, value in named.items()))
        if key not in made:
            make(self, *of, **named)
            made[key] = vars(self)
        self.__dict__ = made[key]

    kind.__init__ = remembered


@cache
def spare_the_collector() -> None:
    """Have Python look for garbage among what tasks leave, and not in Ansible itself again.

    At the end there is nothing to look for: the process gives all of its memory back.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
