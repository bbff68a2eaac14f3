"""What is measured with: the agent's Linux, an image of some 400 MB, and two that came after it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from ictops.errors import ImageError
from ictops.imaging.agent import table
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.mount import mounted
from ictops.imaging.images.restore import restore
from ictops.imaging.images.store import Version
from ictops.imaging.published import ImagingFolder, Published, imaging_folder
from ictops.operations.image_agent import build_agent
from ictops.operations.images import build, import_file
from ictops.settings import Settings

RECIPE = Path(__file__).with_name("pc.yml")
IMAGE = "pc"
MORE = ("curl", "htop", "less", "nano", "rsync", "tmux")
"""The six packages that the next version has."""
INSTALL = """\
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
for folder in run tmp var/lib/apt/lists var/cache/apt; do mount -t tmpfs tmpfs "$1/$folder"; done
mkdir -p "$1/run/systemd/resolve"
cp -L /etc/resolv.conf "$1/run/systemd/resolve/stub-resolv.conf"
printf '#!/bin/sh\\nexit 101\\n' > "$1/usr/sbin/policy-rc.d"
chmod 755 "$1/usr/sbin/policy-rc.d"
root=$1
shift
chroot "$root" apt-get update -qq
DEBIAN_FRONTEND=noninteractive chroot "$root" \\
  apt-get install -y -qq --no-install-recommends "$@"
rm "$root/usr/sbin/policy-rc.d"
"""
"""As on a running PC, but that nothing is started, and that apt leaves no lists."""
Say = Callable[[str], None]


class NotMeasured(Exception):
    """Something that is measured does not do what it is to do; a sentence for a person."""


@dataclass(frozen=True)
class Shop:
    """A workspace with images."""

    folder: Path
    say: Say

    @property
    def settings(self) -> Settings:
        return Settings(workspace=self.folder, state_dir=Path("state"))

    @property
    def imaging(self) -> ImagingFolder:
        """Give the folder of all that imaging keeps."""
        return imaging_folder(self.settings)

    def build_agent(self) -> None:
        """Build the Linux that PCs boot while they are imaged."""
        self.say("building the agent's Linux")
        build_agent(self.settings)

    def build(self, version: str, packages: tuple[str, ...] = ()) -> Published:
        """Build a version of the image, with more packages than the recipe has."""
        self.say(f"building the image, {len(packages)} more packages")
        recipe = yaml.safe_load(RECIPE.read_text()) | {"packages": list(packages)}
        path = self.folder / "recipe.yml"
        path.write_text(yaml.safe_dump(recipe))
        build(self.settings, IMAGE, recipe=path, version=version, say=lambda _: None)
        return self.imaging.find(IMAGE, version)

    def update(self, old: Published, version: str, packages: tuple[str, ...]) -> Published:
        """Make a version by installing packages into the file system of an older one."""
        self.say(f"installing {len(packages)} packages into the image")
        disk = self.folder / "updated.img"
        self.restore(old, disk)
        with system_of(disk) as root:
            subprocess.run(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", INSTALL,
                 "install", root, *packages],
                check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        import_file(self.settings, IMAGE, disk, version=version, seed="files", say=lambda _: None)
        disk.unlink()
        return self.imaging.find(IMAGE, version)

    def restore(self, image: Published, disk: Path) -> None:
        """Give a version as a sparse file with a disk's bytes."""
        store, manifest = self.imaging.store, image.manifest
        index = store.index(Version(manifest.name, manifest.version))
        restore(manifest, index, store.pack, disk, lambda _: None)
        with closing(Disk(disk)) as opened:
            table.write(opened, table.wanted(manifest, opened.size))
            opened.write(0, [bytes.fromhex(manifest.boot_code)])

    def squeeze(self, image: Published, disk: Path, to: Path) -> None:
        """Put what is used of a version's disk one after the other, with nothing between."""
        manifest = image.manifest
        index = self.imaging.store.index(Version(manifest.name, manifest.version))
        starts = {one.number: one.start for one in manifest.partitions}
        with disk.open("rb") as whole, to.open("xb") as file:
            for place in index.places:
                whole.seek(starts[place.partition] + place.offset)
                file.write(whole.read(index.chunks[place.chunk].length))

    def copy(self, name: str) -> Shop:
        """Give a workspace of its own with the same images: what is added here is not there."""
        other = Shop(self.folder.with_name(name), self.say)
        for part in ("signing", "store/images", "store/packs"):
            ours, theirs = self.imaging.path / part, other.imaging.path / part
            shutil.copytree(ours, theirs, copy_function=os.link)
        return other


@contextmanager
def system_of(path: Path) -> Iterator[Path]:
    """Mount the system of a disk, which is its last partition, while the block runs."""
    with closing(Disk(path)) as disk:
        last = table.found(path).entries[-1]
        with mounted(disk, last, "ext4", grow=False) as root:
            yield root


def need_room(folder: Path, wanted: int) -> None:
    """See that there is room for files.

    :param wanted: bytes.
    :raises ImageError: if not.
    """
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise ImageError(
            f"this wants {wanted / 1e9:.0f} GB of room, and there are {free / 1e9:.0f} GB",
            where=str(folder),
            do="Set TMPDIR to a larger folder, or give --gigabytes",
        )
