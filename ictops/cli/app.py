"""The ``ictops`` command: its groups, and how errors are shown."""

from __future__ import annotations

import importlib
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from ictops import __version__
from ictops.cli.output import show_error
from ictops.errors import Exit, IctopsError

app = typer.Typer(
    name="ictops",
    help="Run the ICT of a cluster of schools: plan, run, record and show.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    epilog="Exit codes: 0 done; 1 an error; 2 the command line was wrong; 3 faults were found, in "
    "an inventory, a calendar, a plan or an image; 4 hosts failed, or a site was stopped; "
    "5 stragglers were left; 6 not now; 7 cancelled; 8 paused; 9 drift was found. Every error says "
    "what is wrong, where, and what to do.",
    pretty_exceptions_enable=False,
)

COMMAND_MODULES = (
    "inventory",
    "site",
    "calendar",
    "plan",
    "apply",
    "run",
    "switch",
    "backup",
    "drift",
    "image",
    "erase",
    "schedule",
    "notify",
    "metrics",
    "journal",
    "lab",
)
"""Modules of this package; each has ``register(app)``, which adds its commands."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ictops {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Run the ICT of a cluster of schools: plan, run, record and show."""


for _name in COMMAND_MODULES:
    importlib.import_module(f"ictops.cli.{_name}").register(app)


def main() -> None:
    """Run the command line; errors meant for people are shown without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may not know every letter
    try:
        app()
    except IctopsError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except PermissionError as error:
        show_error(_not_ours(error))
        sys.exit(Exit.ERROR)
    except OSError as error:
        if error.filename is None:
            raise  # of no file: a bug
        show_error(IctopsError(error.strerror or str(error), where=str(error.filename)))
        sys.exit(Exit.ERROR)
    except KeyboardInterrupt:
        sys.exit(Exit.CANCELLED)


def _not_ours(error: PermissionError) -> IctopsError:
    """Give what to do about a file of another user's: most often root's, after a sudo."""
    return IctopsError(
        f"you may not do that here ({error.strerror})",
        where=str(error.filename or ""),
        do="If sudo made it, give it to yourself: sudo chown -R $(id -un): FOLDER",
    )
