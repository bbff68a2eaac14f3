"""``ictops notify``: who is told of what, and what there is to tell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json, console, counted, local, styled, table, working

notify_app = typer.Typer(
    help="Tell people what they should know of, each thing once.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(notify_app, name="notify")


@notify_app.command("list")
def list_alarms(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """List the alarms that stand, the most urgent first, and what is still to be sent.

    Example: ictops notify list
    """
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.alarms import Alarms  # noqa: PLC0415
    from ictops.store.deliveries import Deliveries  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    alarms = Alarms(journal).standing(settings.cluster)
    waiting = Deliveries(journal).waiting(settings.cluster)
    if json:
        as_json({"alarms": alarms, "waiting": waiting})
        return
    out = console()
    shown = table("severity", "site", "host", "since", "what")
    for one in alarms:
        shown.add_row(styled(one.severity), one.site, one.host, local(one.since), one.text)
    out.print(shown if alarms else "no alarm stands")
    if waiting:
        messages = table("route", "made", "tries", "message", "why it waits", title="To be sent")
        for message in waiting:
            messages.add_row(
                message.route, local(message.made_at), str(message.tries), message.title,
                message.reason,
            )  # fmt: skip
        out.print()
        out.print(messages)


@notify_app.command()
def check(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """Read notify.yml, open what is vaulted in it, and say who is told of what.

    Nothing is sent, and no address is shown.

    Exit codes: 0 it is right; 3 it is not.

    Example: ictops notify check
    """
    from ictops.notify.read import FILE_NAME  # noqa: PLC0415
    from ictops.operations.notify import check_routes  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    with working(f"reading {FILE_NAME}"):
        notify = check_routes(settings)
    if json:
        as_json(
            {
                "routes": [
                    route.model_dump(mode="json", exclude={"url"}) for route in notify.routes
                ],
                "heartbeat": notify.heartbeat is not None,
                "heartbeat_every": notify.heartbeat_every,
            }
        )
        return
    out = console()
    shown = table("route", "sites", "hears of", "summary", "quiet", "zone")
    for route in notify.routes:
        hours = asdict(route.quiet) if route.quiet else {}
        quiet = "-".join(f"{hour:%H:%M}" for hour in hours.values())
        if quiet:
            quiet += " for all" if route.quiet_urgent else " but urgent"
        shown.add_row(
            route.name, "all" if route.sites is None else ", ".join(route.sites),
            ", ".join(route.severities), f"{route.summary:%H:%M}", quiet, route.zone,
        )  # fmt: skip
    out.print(shown if notify.routes else "nobody is told: there are no routes")
    beats = f"every {counted(notify.heartbeat_every, 'minute')}" if notify.heartbeat else "none"
    out.print("heartbeat:", beats)


@notify_app.command("test")
def try_route(
    route: Annotated[str, typer.Argument(help="The route's name in notify.yml.")],
    *,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Send a message that says that it is a test, whatever the hour.

    Exit codes: 0 the service has taken it; 1 it has not; 3 there is no such route.

    Example: ictops notify test it-team
    """
    from ictops.operations.notify import send_test  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    with working("sending"):
        send_test(settings, route)
    said = f"the service of route {route} has taken a test message"
    as_json({"route": route, "said": said}) if json else console().print(said)
