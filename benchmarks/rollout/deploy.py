"""The same work as the role ``workstation``, told to pyinfra: ``pyinfra INVENTORY deploy.py``."""

from __future__ import annotations

from io import StringIO

from pyinfra.context import host
from pyinfra.facts.deb import DebPackages
from pyinfra.facts.files import File, FileContents
from pyinfra.facts.server import LinuxDistribution
from pyinfra.operations import files, python, server

release = host.data.get("workstation_release")

distribution = host.get_fact(LinuxDistribution)

files.directory(name="Make the folder for settings", path="/etc/school", mode="755")
files.put(
    name="Write the message of the day",
    src=StringIO(f"Release {release}: please log out when you leave.\n"),
    dest="/etc/school/motd",
    mode="644",
)
files.put(
    name="Write the settings",
    src=StringIO(f"[school]\nhost = {host.name}\nrelease = {release}\n"),
    dest="/etc/school/settings.ini",
    mode="644",
)
files.line(
    name="Record the release",
    path="/etc/school/environment",
    line="^SCHOOL_RELEASE=.*$",
    replace=f"SCHOOL_RELEASE={release}",
)
files.block(
    name="Name the servers",
    path="/etc/school/hosts",
    content=f"192.0.2.10 files\n192.0.2.11 release-{release}",
)
files.link(
    name="Point to the release",
    path="/etc/school/current",
    target=f"/srv/release-{release}",
    force=True,
)
for account in ("exam-1", "exam-2", "exam-3"):
    server.user(  # noqa: S604 - a login shell, no command
        name=f"Keep the account {account} for exams",
        user=account,
        comment=f"Exam, release {release}",
        groups=["users"],
        shell="/bin/bash",
        create_home=True,
    )


def check() -> None:
    """Look at what the role looks at, once the files are written."""
    settings = host.get_fact(File, path="/etc/school/settings.ini")
    contents = host.get_fact(FileContents, path="/etc/school/settings.ini")
    packages = host.get_fact(DebPackages)
    good = (
        settings
        and settings["mode"] == 644
        and f"release = {release}" in "\n".join(contents)
        and "openssh-server" in packages
        and distribution["name"] == "Debian"
    )
    if not good:
        raise ValueError(f"{host.name} is not as it should be")


python.call(name="Check what was found", function=check)
