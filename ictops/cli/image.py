"""``ictops image``: images of workstations, made, kept and looked after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.completion import complete_image
from ictops.cli.handing_over import imaging_is_the_persons
from ictops.cli.image_agent import agent
from ictops.cli.image_capture import capture
from ictops.cli.image_heal import heal
from ictops.cli.image_options import AsWim, Name, NewVersion, SeedKind, size, tell
from ictops.cli.options import AsJson
from ictops.cli.output import as_json, console, counted, local, table, working
from ictops.errors import Exit

image_app = typer.Typer(
    help="Make images of workstations, and look after them.", no_args_is_help=True
)

image_app.command()(agent)

AnyName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="The image; else all.", autocompletion=complete_image),
]


@image_app.command()
def build(
    name: Name,
    *,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="What it is made of; else a plain Debian.")
    ] = None,
    version: NewVersion = None,
    json: AsJson = False,
) -> None:
    """Make a golden image of Debian or Ubuntu from packages, unattended. Wants to be root.

    Exit code 1: it was not made; nothing is published.

    Example: sudo ictops image build classroom --recipe classroom.yml
    """
    from ictops.operations.images import build as make  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with imaging_is_the_persons(settings), working(f"building {name}") as status:
        made = make(settings, name, recipe=recipe, version=version, say=status.update)
    tell(made, json=json)


image_app.command()(capture)


@image_app.command("import")
def import_disk(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A disk's bytes, or a virtual machine's disk.")
    ],
    *,
    version: NewVersion = None,
    seed: SeedKind = None,
    as_wim: AsWim = False,
    wim: Annotated[
        Path | None,
        typer.Option("--wim", help="A .wim or .esd, instead of the Windows in FILE."),
    ] = None,
    wim_image: Annotated[
        str, typer.Option("--wim-image", help="Which of its images, by number or name.")
    ] = "1",
    json: AsJson = False,
) -> None:
    """Make a version of a file: a disk's bytes, or a virtual machine's disk (qcow2 and others).

    With --wim, what makes a Windows boot is taken from FILE, and the Windows itself from the WIM.

    Exit code 1: it was not made; nothing is published.

    Example: ictops image import classroom reference.qcow2
    """
    from ictops.imaging.images.wims import WimChoice  # noqa: PLC0415 - heavy
    from ictops.operations.images import import_file  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    with working(f"importing {file}") as status:
        made = import_file(
            load_settings(), name, file, version=version, seed=seed, say=status.update,
            wim=WimChoice(wim, wim_image) if wim or as_wim else None,
        )  # fmt: skip
    tell(made, json=json)


@image_app.command()
def drivers(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What they are for, such as latitude-5440.")
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", exists=True, file_okay=False, help="Drivers, unpacked: .inf files."
        ),
    ],
    *,
    json: AsJson = False,
) -> None:
    """Keep Windows' drivers for a model of PC, in the place of those that have this name.

    Boot servers get them by their role; workstation_image_drivers says which PCs do.

    Exit code 1: there is no driver in it.

    Example: ictops image drivers latitude-5440 unpacked/
    """
    from ictops.operations.images import publish_drivers  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    with working(f"reading {folder}"):
        made = publish_drivers(load_settings(), name, folder)
    as_json({"drivers": made}) if json else console().print(f"kept as {made}")


@image_app.command("list")
def list_versions(name: AnyName = None, *, json: AsJson = False) -> None:
    """List the images and their versions, the newest of each last.

    Example: ictops image list
    """
    from ictops.operations.images import list_images  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    found = list_images(load_settings(), name)
    if json:
        as_json(found)
        return
    if not found:
        console().print("There is no image yet: ictops image build, capture or import makes one.")
        return
    shown = table("image", "version", "made", "system", "boots", "used", "to fetch", "disk from")
    for one in found:
        shown.add_row(
            one.name, one.version, local(one.made_at), one.system, ", ".join(one.firmware),
            size(one.used), size(one.stored), size(one.smallest_disk),
        )  # fmt: skip
    console().print(shown)


@image_app.command()
def verify(
    name: AnyName = None,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="The version; else all.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Read all that is stored, and see that it is what was published and signed.

    Exit code 3: something is damaged; it is said which pack, and which versions it takes along.

    Example: ictops image verify classroom
    """
    from ictops.operations.images import verify as look  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    with working("reading") as status:
        looked, damages = look(load_settings(), name, version, status.update)
    if json:
        as_json({"looked_at": looked, "damages": damages})
    else:
        for one in damages:
            pack = f" (pack {one.pack[:12]})" if one.pack else ""
            console().print(f"✗ {one.name} {one.version}: {one.what}{pack}", soft_wrap=True)
        broken = {(one.name, one.version) for one in damages}
        said = f"{len(broken)} damaged" if broken else "all whole"
        console().print(f"{counted(len(looked), 'version')} looked at, {said}")
    raise typer.Exit(Exit.FAULTS if damages else Exit.OK)


@image_app.command()
def prune(
    name: AnyName = None,
    versions: Annotated[
        list[str] | None, typer.Argument(metavar="VERSION", help="Exactly these versions go.")
    ] = None,
    *,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="How many of the newest stay of an image.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Take old versions away, and what is stored for no other; a boot server keeps its copy.

    Example: ictops image prune --keep 3; ictops image prune classroom 2026.10.26-1
    """
    from ictops.operations.images import prune as take_away  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    if (keep is None) == (not versions):
        raise typer.BadParameter("give --keep, or an image and the versions that go")
    with working("pruning"):
        done = take_away(load_settings(), name, versions or (), keep)
    if json:
        as_json(done)
        return
    for one in done.versions:
        console().print(f"removed {one}")
    console().print(f"{counted(len(done.versions), 'version')} removed, {size(done.freed)} freed")


image_app.command("heal")(heal)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(image_app, name="image")
