"""The values that a role wants of a host: with their types as the role says them, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ictops.errors import SwitchError
from ictops.network.platform import load_platform
from ictops.network.wanted import PREFIX, Limits

PORT_ONLY = ("ports", "profile", "address")
"""What a port says of itself, and no profile."""


class RoleValues:
    """What a role says of its variables: types, defaults, ready-made profiles, platforms."""

    def __init__(self, role: Path) -> None:
        """Read a role's files."""
        self.templates = role / "templates"
        said = _read(role / "meta" / "argument_specs.yml")
        self.options: dict[str, dict[str, Any]] = said["argument_specs"]["main"]["options"]
        own = _read(role / "vars" / "main.yml")
        self.ready_made: dict[str, Any] = own[f"__{PREFIX}profiles"]
        self._platforms: dict[str, Any] = own[f"__{PREFIX}platforms"]
        port = self.options[f"{PREFIX}ports"]["options"]
        self._profile = {name: one for name, one in port.items() if name not in PORT_ONLY}

    def limits(self, platform: str) -> Limits:
        """Give what a platform cannot do.

        :raises SwitchError: if there is none of that name.
        """
        title = load_platform(platform).title
        return Limits(title=title, **self._platforms[platform])

    def of(self, variables: Mapping[str, Any], host: str) -> dict[str, Any]:
        """Give the values of a host's variables, by their names without the role's own.

        :raises SwitchError: if one is not as the role says; a secret is never told.
        """
        try:
            given = _said({name: variables.get(name) for name in self.options})
        except AnsibleError as error:  # a template in it that fails, a vault that stays shut
            raise SwitchError(f"its variables cannot be read: {error}", where=host) from error
        checked = _checked(self.options, given, host, "")
        profiles = {
            str(name): _checked(self._profile, settings, host, f"{PREFIX}profiles.{name}: ")
            for name, settings in checked[f"{PREFIX}profiles"].items()
        }
        checked[f"{PREFIX}profiles"] = profiles
        return {name.removeprefix(PREFIX): value for name, value in checked.items()}


def _checked(options: dict[str, Any], given: object, host: str, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise SwitchError(f"{where}these are no settings", where=host)
    # It writes into what it is given, and into the defaults of the options.
    result = ArgumentSpecValidator(deepcopy(options)).validate(_said(given))
    if result.error_messages:
        said = remove_values("; ".join(result.error_messages), result._no_log_values)
        raise SwitchError(f"{where}{said}", where=host)
    return dict(result.validated_parameters)


def _said(value: Any) -> Any:
    """Give values without those that are null: nothing is said there. Ansible's own are copied."""
    if isinstance(value, Mapping):
        return {name: _said(one) for name, one in value.items() if one is not None}
    return [_said(one) for one in value] if isinstance(value, (list, tuple)) else value


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def role_values(role: Path) -> RoleValues:
    """Give what a role says, read once."""
    return RoleValues(role)
