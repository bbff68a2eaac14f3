#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollout must know of a Debian host, in one round trip."""

from __future__ import annotations

import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils import debian
from ansible_collections.ictops.schools.plugins.module_utils.flatpak import (
    COMMIT,
    Flatpak,
    FlatpakError,
    is_masked,
    short,
)
from ansible_collections.ictops.schools.plugins.module_utils.people import logged_on

DOCUMENTATION = r"""
---
module: software_state
short_description: What must change on a Debian host, and what stands in the way
description:
  - Compares the software that a host should have with what it has, and gives in one round
    trip all that a rollout must know before it changes anything.
  - Fetches the package lists, since without them nobody knows what is to be had; changes
    nothing else, in check mode or not.
options:
  software:
    description: What should be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The package's name, or a flatpak application's ID.
        type: str
        required: true
      version:
        description:
          - The exact version; of a flatpak a commit, or a branch for its newest commit.
          - It must be text, for as a number V(1.10) would be V(1.1).
        type: raw
        required: true
      deb:
        description: The .deb file that it comes from, on the control machine or at an address.
        type: str
      sha256:
        description: The file's SHA-256.
        type: str
      flatpak:
        description: The flatpak remote that it comes from.
        type: str
      branch:
        description: The branch of a flatpak whose version is a commit.
        type: str
        default: stable
  removed:
    description: Packages that must not be there.
    type: list
    elements: str
    default: []
  removed_flatpaks:
    description: Flatpak applications that must not be there, C(ID) or C(ID//BRANCH).
    type: list
    elements: str
    default: []
  flatpak_remotes:
    description: Flatpak remotes that the host will have, if it does not have them yet.
    type: list
    elements: str
    default: []
  min_free_mb:
    description: Megabytes that must be free in each of O(paths) before anything is changed.
    type: int
    default: 0
  lists_seconds:
    description: How old the package lists may be before they are fetched again.
    type: int
    default: 0
  lock_seconds:
    description: Seconds to wait for another package manager.
    type: int
    default: 120
  deb_folder:
    description: Where the host keeps .deb files.
    type: path
    default: /var/lib/ictops/debs
  paths:
    description: Folders whose file systems are asked for their free space, if they are there.
    type: list
    elements: path
    default: ["/", "/var/cache/apt/archives", "/var/lib/flatpak"]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look at the host
  ictops.schools.software_state:
    software:
      - {name: firefox-esr, version: 128.3.0esr-1~deb12u1}
      - {name: org.gimp.GIMP, version: stable, flatpak: flathub}
  register: state
"""

RETURN = r"""
changes:
  description:
    - What must be changed. RV(changes[].kind) is V(apt), V(deb) or V(flatpak);
      RV(changes[].version) is empty for what must go.
  returned: always
  type: list
  sample: [{"name": "hello", "kind": "apt", "version": "2.10-3", "pin": "hello=2.10-3"}]
way_back:
  description: The same for what would undo the changes.
  returned: always
  type: list
differs:
  description: The same for a drift check. RV(differs[].before) is empty for what is not there.
  returned: always
  type: list
  sample: [{"what": "hello", "before": "2.9-1", "after": "2.10-3"}]
lost:
  description: Versions that are there now and could not be put back.
  returned: always
  type: list
obstacles:
  description: What stands in the way of the changes, as sentences.
  returned: always
  type: list
  sample: ["on hold on this host: hello; 'apt-mark unhold' lets go"]
missing_remotes:
  description: Flatpak remotes that are needed, and will be there but are not yet.
  returned: always
  type: list
flatpak:
  description: Whether the host has flatpak.
  returned: always
  type: bool
people:
  description: Who is logged on at a screen or a terminal.
  returned: always
  type: list
reboot_required:
  description: Whether a package asked for a reboot.
  returned: always
  type: bool
"""

ARGUMENTS = {
    "software": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "version": {"type": "raw", "required": True},
            "deb": {"type": "str"},
            "sha256": {"type": "str"},
            "flatpak": {"type": "str"},
            "branch": {"type": "str", "default": "stable"},
        },
    },
    "removed": {"type": "list", "elements": "str", "default": []},
    "removed_flatpaks": {"type": "list", "elements": "str", "default": []},
    "flatpak_remotes": {"type": "list", "elements": "str", "default": []},
    "min_free_mb": {"type": "int", "default": 0},
    "lists_seconds": {"type": "int", "default": 0},
    "lock_seconds": {"type": "int", "default": 120},
    "deb_folder": {"type": "path", "default": "/var/lib/ictops/debs"},
    "paths": {
        "type": "list",
        "elements": "path",
        "default": ["/", "/var/cache/apt/archives", "/var/lib/flatpak"],
    },
}


class Comparison:
    """What should be there against what is there, gathered package by package."""

    def __init__(self) -> None:
        self.changes: list[dict] = []
        self.way_back: list[dict] = []
        self.differs: list[dict] = []
        self.lost: list[str] = []
        self.held: list[str] = []
        self.masked: list[str] = []
        self.unknown: list[str] = []
        self.other: list[str] = []
        self.missing_remotes: set[str] = set()

    def obstacles(self) -> list[str]:
        """Give what stands in the way, as sentences that say what to do."""
        found = list(self.other)
        if self.held:
            found.append(f"on hold on this host: {', '.join(self.held)}; 'apt-mark unhold' lets go")
        if self.masked:
            names = ", ".join(self.masked)
            found.append(f"masked on this host: {names}; 'flatpak mask --remove' lets go")
        if self.unknown:
            found.append(f"not in the host's package sources: {'; '.join(self.unknown)}")
        return found


def compare_packages(module, found: Comparison) -> None:
    """Compare what comes as Debian's packages, from a source or a file."""
    given = module.params
    wanted = [item for item in given["software"] if not item["flatpak"]]
    names = [item["name"] for item in wanted] + given["removed"]
    if not names:
        return
    complaint = debian.refresh_lists(module, given["lists_seconds"], given["lock_seconds"])
    there = debian.installed(module, names)
    offered = debian.available(module, names)

    def change(name: str, version: str, **origin: str) -> None:
        now = there.get(name, debian.Installed())
        if now.version == version:
            return
        found.differs.append({"what": name, "before": now.version, "after": version})
        kind = "deb" if "file" in origin else "apt"
        found.changes.append(
            {"name": name, "kind": kind, "version": version, "pin": f"{name}={version}", **origin}
        )
        if now.held:
            found.held.append(name)
        back = {"name": name, "kind": "apt", "version": now.version, "pin": f"{name}={now.version}"}
        if now.version in ("", *offered.get(name, [])):
            found.way_back.append(back)
        elif file := debian.kept_file(name, now, given["deb_folder"]):
            found.way_back.append(back | {"kind": "deb", "file": file})
        else:
            found.lost.append(back["pin"])

    for item in wanted:
        name, version = item["name"], item["version"]
        if item["deb"]:
            file = f"{given['deb_folder']}/{name}_{version}.deb"
            change(name, version, file=file, deb=item["deb"], sha256=item["sha256"] or "")
            continue
        change(name, version)
        if version not in (there.get(name, debian.Installed()).version, *offered.get(name, [])):
            versions = ", ".join(offered.get(name, [])) or "none"
            found.unknown.append(f"{name} {version} (there: {versions})")
    for name in given["removed"]:
        change(name, "")
    if found.unknown and complaint:
        found.other.append(f"apt could not fetch all package lists: {complaint}")


def compare_flatpaks(module, found: Comparison) -> bool:
    """Compare what comes as flatpaks, and give whether the host has flatpak."""
    given = module.params
    flatpak = Flatpak(module)
    wanted = [item for item in given["software"] if item["flatpak"]]
    if not wanted and not given["removed_flatpaks"]:
        return flatpak.there
    remotes, masks = flatpak.remotes(), flatpak.masks()

    def change(name: str, ref: str, remote: str, commit: str) -> None:
        now, origin = flatpak.installed(ref) if flatpak.there else ("", "")
        if now == commit:
            return
        if now and remote and origin != remote:
            found.other.append(
                f"{name} is installed from the flatpak remote {origin}, not {remote}"
            )
        if is_masked(ref, masks):
            found.masked.append(name)
        found.differs.append({"what": name, "before": now, "after": commit})
        common = {"name": name, "kind": "flatpak", "ref": ref, "remote": remote or origin}
        pin = f"{name}={short(commit)}"
        found.changes.append({**common, "version": commit, "pin": pin})
        pin = f"{name}={short(now)}"
        if not now or _resolves(flatpak, origin, ref, now):
            found.way_back.append({**common, "version": now, "pin": pin})
        else:
            found.lost.append(pin)

    for item in wanted:
        name, version, remote = item["name"], item["version"], item["flatpak"]
        exact = COMMIT.fullmatch(version) is not None
        ref = flatpak.ref(name, item["branch"] if exact else version)
        if remote in remotes:
            try:
                known = exact and flatpak.installed(ref)[0] == version
                commit = (
                    version if known else flatpak.resolve(remote, ref, version if exact else "")
                )
            except FlatpakError as error:
                found.other.append(f"{name} {short(version)} is not to be had: {error}")
                continue
        elif remote in given["flatpak_remotes"]:
            found.missing_remotes.add(remote)
            commit = version
        else:
            found.other.append(f"{name}: the host has no flatpak remote named {remote}")
            continue
        change(name, ref, remote, commit)
    for word in given["removed_flatpaks"] if flatpak.there else []:
        name, _, branch = word.partition("//")
        change(name, flatpak.ref(name, branch or "stable"), "", "")
    return flatpak.there


def _resolves(flatpak: Flatpak, remote: str, ref: str, commit: str) -> bool:
    try:
        flatpak.resolve(remote, ref, commit)
    except FlatpakError:
        return False
    return True


def mistakes(software: list[dict], removed: list[str]) -> list[str]:
    """Give what is wrong with what is asked for, whatever the host."""
    found = []
    for item in software:
        name, deb = item["name"], item["deb"] or ""
        if not isinstance(item["version"], str):
            found.append(f"put the version of {name} into quotes: YAML takes it for a number")
        if deb and item["flatpak"]:
            found.append(f"{name} cannot come both as a .deb and as a flatpak")
        if deb.startswith(("http://", "https://")) and not item["sha256"]:
            found.append(f"{name} comes from an address, so it needs its sha256")
        if name in removed:
            found.append(f"{name} is both wanted and to be removed")
    return found


def free_space(paths: list[str]) -> tuple[int, str]:
    """Give the smallest free space of these folders in MB, and where it is."""
    there = [path for path in paths if Path(path).exists()]
    spaces = [(shutil.disk_usage(path).free // 1000000, path) for path in there]
    return min(spaces) if spaces else (0, "")


def main() -> None:
    """Look, and answer."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.run_command_environ_update = {"LC_ALL": "C"}
    given = module.params
    if wrong := mistakes(given["software"], given["removed"] + given["removed_flatpaks"]):
        module.fail_json(msg="; ".join(wrong))
    found = Comparison()
    compare_packages(module, found)
    has_flatpak = compare_flatpaks(module, found)
    free_mb, free_at = free_space(given["paths"])
    wanted_mb = given["min_free_mb"]
    if found.changes and free_mb < wanted_mb:
        text = f"only {free_mb} MB are free at {free_at}, {wanted_mb} MB are wanted"
        found.other.insert(0, text)
    module.exit_json(
        changed=False,
        changes=found.changes,
        way_back=found.way_back,
        differs=found.differs,
        lost=found.lost,
        obstacles=found.obstacles(),
        missing_remotes=sorted(found.missing_remotes),
        flatpak=has_flatpak,
        people=logged_on(module),
        reboot_required=Path("/run/reboot-required").exists(),
    )


if __name__ == "__main__":
    main()
