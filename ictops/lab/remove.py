"""Taking labs away, in whatever state they are.

It needs nothing but Python's own library, so that ``make clean`` can also take away what
an ictops left that no longer starts: ``python3 -m ictops.lab.remove``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.farm.ending import stop
from ictops.lab.image import remove_image
from ictops.lab.machine import one_at_a_time, require_root
from ictops.lab.model import MARKER, PART, Lab
from ictops.lab.pcs.school import take_away
from ictops.lab.podman import containers, folders_of_labs, networks, podman


def remove(lab: Lab) -> bool:
    """Take away every container, switch, network and file of a lab, and its cluster.

    A cluster that no lab made is left alone.

    :return: whether anything was there.
    :raises LabError: if podman cannot.
    """
    pcs = take_away(lab)
    switches = stop(lab.farm)
    hosts, nets = sorted(containers(lab)), networks(lab)
    if hosts:
        podman("rm", "--force", "--time", "0", *hosts)
    for network in nets:
        podman("network", "rm", "--force", network)
    left = lab.part.is_dir()
    if left:
        shutil.rmtree(lab.part)
    ours = (lab.folder / MARKER).is_file()
    if ours:  # first out of its place: half a lab must not look like a cluster of one's own
        lab.folder.rename(lab.part)
        shutil.rmtree(lab.part)
    return bool(pcs or switches or hosts or nets or left or ours)


def labs_of(inventories: Path) -> list[Lab]:
    """Give every lab of which anything is there, of those in a folder of clusters."""
    names = {path.parent.parent.name for path in inventories.glob(f"*/{MARKER}")}
    names |= {path.name[1 : -len(PART)] for path in inventories.glob(f".*{PART}")}
    names |= {Path(one).name for one in folders_of_labs() if Path(one).parent == inventories}
    return [Lab(name, inventories / name) for name in sorted(names)]


def remove_all(inventories: Path, say: Callable[[str], None]) -> list[str]:
    """Take away every lab in a folder of clusters, and the image if no other lab needs it.

    :return: what was taken away, in words.
    :raises LabError: if podman cannot.
    """
    with one_at_a_time(say):
        gone = [f"the lab {lab.name}" for lab in labs_of(inventories) if remove(lab)]
        if remove_image():
            gone.append("the hosts' image")
    return gone


def main() -> None:
    """Take away every lab of the checkout in the working directory."""
    if shutil.which("podman") is None:
        return  # then there never was one
    try:
        require_root()
        gone = remove_all(Path("inventories").resolve(), print)
    except LabError as error:
        sys.exit(str(error))
    for one in gone:
        sys.stdout.write(f"taken away: {one}\n")


if __name__ == "__main__":
    main()
