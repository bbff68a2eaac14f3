"""Settings: ``ictops.toml`` in the workspace, overridden by ``ICTOPS_`` variables.

The workspace is the folder that holds ``ictops.toml``: the one named by ``ICTOPS_CONFIG``,
else the first one found from the working directory upwards, else the working directory
itself. Relative paths in the settings are relative to the workspace.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ictops.errors import SettingsError

CONFIG_NAME = "ictops.toml"
_SQLITE = "sqlite:///"


class Limits(BaseModel):
    """How many hosts may be worked on at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: int = Field(default=20, ge=1)
    room: int = Field(default=10, ge=1)
    switch: int = Field(default=20, ge=1)
    total: int = Field(default=100, ge=1)


class VaultSettings(BaseModel):
    """Where the ansible-vault password comes from: the first of these that is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password_file: Path | None = None
    keyring: str | None = Field(default=None, description="service/user in the keyring")
    command: list[str] | None = Field(default=None, description="prints the password")


class DriftSettings(BaseModel):
    """What drift checks compare hosts with, and how often without a short cut."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    playbook: str = ""
    """All that a host should have: a path from the workspace; ictops' own site.yml if empty."""
    full_every_days: int = Field(default=7, ge=0)
    """After how many days a host is looked at whole though nothing has changed on it."""


class Settings(BaseSettings):
    """What the manager decides once, for this workspace."""

    model_config = SettingsConfigDict(
        env_prefix="ICTOPS_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    workspace: Path = Path()
    cluster: str = "demo"
    inventories: Path = Path("inventories")
    state_dir: Path = Field(default_factory=lambda: user_state_path("ictops"))
    journal: str = Field(default="", description="SQLAlchemy URL; SQLite in state_dir if empty")
    strategy: Literal["resident", "linear"] = "resident"
    forks: int = Field(default=50, ge=1)
    limits: Limits = Limits()
    vault: VaultSettings = VaultSettings()
    drift: DriftSettings = DriftSettings()
    retry_every: timedelta = timedelta(minutes=15)
    keep_events_days: int = Field(default=180, ge=1)
    min_free_mb: int = Field(default=200, ge=1)
    metrics_file: Path | None = Field(default=None, description="written by each tick")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's own signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, find_config())
        return init_settings, env_settings, toml

    def resolve(self, path: Path) -> Path:
        """Give ``path`` as an absolute path, read relative to the workspace."""
        return (self.workspace / path).resolve()

    def of_cluster(self, name: str) -> Settings:
        """Give these settings for another cluster of the same workspace."""
        return self if name == self.cluster else Settings(**(self.model_dump() | {"cluster": name}))

    @cached_property
    def cluster_dir(self) -> Path:
        """The inventory directory of the chosen cluster."""
        return self.resolve(self.inventories / self.cluster)

    @cached_property
    def cache_dir(self) -> Path:
        """Where what can be made again is kept, such as the inventory's index."""
        return self.resolve(self.state_dir) / "cache"

    @cached_property
    def journal_url(self) -> str:
        """The journal's SQLAlchemy URL; it may hold a password."""
        path = self.resolve(self.state_dir) / "journal.db"
        if self.journal and not self.journal.startswith(_SQLITE):
            return self.journal
        if self.journal:  # SQLite would read a relative path from the working directory
            path = self.resolve(Path(self.journal.removeprefix(_SQLITE)))
        return f"{_SQLITE}{path}"


def find_config() -> Path | None:
    """Give the ``ictops.toml`` that applies, or None where there is none."""
    named = os.environ.get("ICTOPS_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError(
                "ICTOPS_CONFIG names a file that is not there",
                where=named,
                do="Unset it, or write the file",
            )
        return Path(named).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def load_settings(cluster: str | None = None) -> Settings:
    """Read the settings that apply here; ``cluster`` overrides the one they name.

    :raises SettingsError: with the file and the setting that is wrong.
    """
    config = find_config()
    overrides: dict[str, object] = {"workspace": config.parent if config else Path.cwd()}
    if cluster:
        overrides["cluster"] = cluster
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}",
            where=str(config or "environment"),
            do="docs/settings.md lists every setting",
        ) from error
    except ValueError as error:  # broken TOML
        raise SettingsError(f"not valid TOML: {error}", where=str(config)) from error


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner only.

    :raises OSError: if that cannot be.
    """
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def content_dir() -> Path:
    """Give the folder that holds ``roles/``, ``playbooks/`` and ``inventories/demo``.

    In an installed ictops that is inside the package; in a checkout it is the checkout.
    """
    package = Path(str(files("ictops")))
    packaged = package / "content"
    return packaged if packaged.is_dir() else package.parent
