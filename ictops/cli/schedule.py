"""``ictops schedule``: what wakes ictops."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.options import AsJson
from ictops.cli.output import as_json, console

schedule_app = typer.Typer(help="Have ictops woken by systemd.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(schedule_app, name="schedule")


@schedule_app.callback()
def schedule() -> None:
    """Have ictops woken by systemd."""


@schedule_app.command()
def install(
    *,
    user: Annotated[
        str | None, typer.Option(help="Who it runs as, where root installs it.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the units go; else where systemd reads them.")
    ] = None,
    enable: Annotated[bool, typer.Option(help="Also start the timer now.")] = True,
    json: AsJson = False,
) -> None:
    """Write a systemd timer that runs 'ictops tick' every minute, and start it.

    As root it is a system timer; name a --user of its own for it, who can read the workspace
    and the ssh key and needs no other right. Else it is a timer of your own. It only wakes
    ictops: what is due, the journal and the windows say.

    Example: sudo ictops schedule install --user ictops
    """
    from ictops.operations.schedule import enable_timer, write_units  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    place = write_units(load_settings(), folder, user)
    running = enable and folder is None
    if running:
        enable_timer()
    if json:
        as_json({"place": place, "running": running})
        return
    out = console()
    out.print("wrote ictops-tick.service and ictops-tick.timer")
    if running:
        out.print("ictops-tick.timer is running")
    if place.system and user is None:
        out.print("it runs as root: --user NAME gives it to a user with fewer rights")
    elif not place.system:
        out.print("it ends when you log out, unless 'loginctl enable-linger' was said once")
