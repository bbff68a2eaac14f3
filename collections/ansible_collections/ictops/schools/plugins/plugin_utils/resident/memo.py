"""What Ansible works out again for each module, worked out once."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible.executor import module_common
from ansible.executor.module_common import ModuleDepFinder


def remember_dependencies() -> None:
    """Have the imports of each file of module_utils looked up once, not for every module.

    Both are functions of their arguments alone, and what they give is only read.
    """
    if hasattr(module_common._compile_module_ast, "cache_info"):
        return
    module_common._compile_module_ast = cache(module_common._compile_module_ast)
    look_up = ModuleDepFinder.__init__
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def remembered(self: ModuleDepFinder, *of: Any) -> None:
        if of not in found:
            look_up(self, *of)
            found[of] = vars(self)
        self.__dict__ = found[of]

    ModuleDepFinder.__init__ = remembered
