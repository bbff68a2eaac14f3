"""The files of a golden image: a Debian or Ubuntu that boots, and that Ansible can log in to."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.images.recipe import Recipe
from ictops.imaging.images.tools import run

BASE = (
    "systemd-sysv", "udev", "dbus", "systemd-resolved", "openssh-server", "python3", "python3-apt",
    "sudo", "iproute2", "initramfs-tools", "zstd", "e2fsprogs", "grub2-common",
)  # fmt: skip
"""Full python3: with python3-minimal Ansible's modules break."""
KERNEL = {"debian": "linux-image-amd64", "ubuntu": "linux-image-generic"}
BOOTS = {"uefi": ("shim-signed", "grub-efi-amd64-signed"), "bios": ("grub-pc-bin",)}
ORIGIN = {"debian": "Debian", "ubuntu": "Ubuntu"}

_ENCLOSED = (
    "setpriv", "--pdeathsig", "KILL",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
"""No process and no mount of a chroot outlives a build that is cut off: what is left of it is
deleted, and must not be this machine's /dev."""
_NETWORK = """\
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes

[DHCPv4]
# As the firmware and the imaging agent ask: one PC, one address.
ClientIdentifier=mac
"""
CLOUD_FILES = {
    "etc/cloud/cloud.cfg.d/90_ictops.cfg": (
        "# The seed that the imaging agent writes is the only source.\n"
        "datasource_list: [NoCloud, None]\n"
        "# What the agent has done, or the image has.\n"
        "growpart: {mode: 'off'}\n"
        "resize_rootfs: false\n"
        "locale: false\n"
    ),
    # networkd asks DHCP by itself, unless the agent's seed has something in this one's place. Said
    # in cloud.cfg.d, no seed could say otherwise.
    "var/lib/cloud/seed/nocloud/network-config": "config: disabled\n",
}
_ESP = "umask=0077,noauto,x-systemd.automount,x-systemd.idle-timeout=60"
"""Only updates of the loaders read it: it is mounted when they do, and no start waits for it."""
_MERGED = Path("/usr/share/mmdebstrap/hooks/maybe-merged-usr")
"""Has a system that begins with /usr merged: else a package that merges it brings all of Perl."""
CORE_MODULES = (
    "biosdisk", "part_gpt", "ext2", "search_fs_uuid", "configfile", "normal", "linux", "boot",
)  # fmt: skip
CORE = "boot/grub/core.img"
"""GRUB for BIOS PCs, made by the image's own GRUB."""


def make_root(recipe: Recipe, root: Path, filesystem: str, esp: str) -> None:
    """Fill a folder with a whole system. Wants to be root.

    :param root: must not be there yet.
    :param filesystem: the UUID of the file system that it will be in.
    :param esp: the serial number of the EFI system partition, as blkid shows it.
    :raises ImageError: if a package cannot be had.
    """
    if os.geteuid():
        raise ImageError("only root can make the files of a system", do="Run it with sudo")
    packages = [*BASE, recipe.kernel or KERNEL[recipe.system], *recipe.packages]
    packages += [one for kind in recipe.firmware for one in BOOTS[kind]]
    packages += ["cloud-init"] if recipe.cloud_init else []
    files = _files(recipe, filesystem, esp)
    hooks = [*_write(files), *_hooks(recipe)]
    run(
        *_ENCLOSED,
        "mmdebstrap",
        "--variant=minbase",
        "--format=directory",
        *([f"--hook-dir={_MERGED}"] if _MERGED.is_dir() else []),
        f"--components={','.join(recipe.components)}",
        f"--include={','.join(packages)}",
        *[f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.without],
        *[f"--customize-hook={hook}" for hook in hooks],
        recipe.suite,
        root,
        *sources_of(recipe),
        env={"TMPDIR": str(root.parent)},
    )


def sources_of(recipe: Recipe) -> list[str]:
    """Give where packages come from: the recipe's mirror, or all that this machine's apt has.

    :raises ImageError: if apt knows nothing of the release.
    """
    parts = " ".join(recipe.components)
    if recipe.mirror:
        return [f"deb {recipe.mirror} {recipe.suite} {parts}"]
    form = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)"
    found = set()
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").split():
        uri, release, origin = line.split("|", 2)
        if origin == ORIGIN[recipe.system] and release.split("-")[0] == recipe.suite:
            found.add(f"deb {uri} {release} {parts}")
    if not any(f" {recipe.suite} " in one for one in found):
        raise ImageError(
            f"apt on this machine knows no mirror of {recipe.suite}",
            do="Give the recipe a mirror, or run 'apt-get update' first",
        )
    return sorted(found)


def command_line(recipe: Recipe, filesystem: str) -> str:
    """Give what the kernel is told."""
    consoles = f" console=tty0 console={recipe.console}" if recipe.console else ""
    return f"root=UUID={filesystem} ro quiet{consoles}"


def _files(recipe: Recipe, filesystem: str, esp: str) -> dict[str, str]:
    mounts = f"UUID={filesystem} / ext4 errors=remount-ro 0 1\n"
    if "uefi" in recipe.firmware:
        mounts += f"UUID={esp} /boot/efi vfat {_ESP} 0 0\n"
    told = command_line(recipe, filesystem).split(" ro ", 1)[1]
    files = {
        "etc/fstab": mounts,
        "etc/systemd/network/80-wired.network": _NETWORK,
        f"etc/sudoers.d/{recipe.account}": f"{recipe.account} ALL=(ALL) NOPASSWD: ALL\n",
        "etc/default/grub.d/image.cfg": f'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="{told}"\n',
        # Until the first update-grub, which a new kernel's package calls.
        "boot/grub/grub.cfg": (
            "set timeout=0\n"
            f"search --no-floppy --fs-uuid --set=root {filesystem}\n"
            f"menuentry '{ORIGIN[recipe.system]}' {{\n"
            f"  linux {_link('vmlinuz', recipe)} {command_line(recipe, filesystem)}\n"
            f"  initrd {_link('initrd.img', recipe)}\n}}\n"
        ),
        "boot/grub/early.cfg": (
            f"search.fs_uuid {filesystem} root\nset prefix=($root)/boot/grub\n"
        ),
    }
    if recipe.cloud_init:
        files |= CLOUD_FILES
    return files


def _link(name: str, recipe: Recipe) -> str:
    return f"/boot/{name}" if recipe.system == "ubuntu" else f"/{name}"


def _write(files: dict[str, str]) -> Iterable[str]:
    for path, text in files.items():
        target = f'"$1"/{shlex.quote(path)}'
        yield f'mkdir -p "$(dirname {target})" && printf %s {shlex.quote(text)} > {target}'


def _hooks(recipe: Recipe) -> Iterable[str]:
    account = recipe.account
    yield f'chroot "$1" useradd --create-home --shell /bin/bash {account}'
    yield f'chmod 0440 "$1"/etc/sudoers.d/{account}'
    yield 'chroot "$1" systemctl enable systemd-networkd systemd-resolved ssh'
    # Nothing that a login needs waits for a network, and a PC without one boots as fast.
    yield 'chroot "$1" systemctl mask systemd-networkd-wait-online.service'
    # It looks for snapshots of LVM, which this image has not, for seconds.
    yield 'chroot "$1" systemctl disable e2scrub_reap.service'
    yield 'mkdir -p "$1"/boot/efi'
    if "bios" in recipe.firmware:
        yield 'mkdir -p "$1"/boot/grub/i386-pc'
        yield 'cd "$1"/usr/lib/grub/i386-pc && cp -t "$1"/boot/grub/i386-pc -- *.mod *.lst'
        yield (
            'chroot "$1" grub-mkimage --format=i386-pc --prefix=/boot/grub '
            f"--config=/boot/grub/early.cfg --output=/{CORE} {' '.join(CORE_MODULES)}"
        )
    yield 'rm -f "$1"/boot/grub/early.cfg'
    # What each PC must have of its own comes from the imaging agent, or at the first boot.
    yield 'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/var/lib/dbus/machine-id'
    yield ': > "$1"/etc/machine-id'
    yield 'rm -f "$1"/var/lib/systemd/random-seed "$1"/var/log/*.log "$1"/var/log/apt/*'
    yield 'ln -sf ../run/systemd/resolve/stub-resolv.conf "$1"/etc/resolv.conf'
