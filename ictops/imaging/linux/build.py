"""Building the agent's Linux: unattended, from Debian's packages, always to the same bytes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.wire.words import digest_of

SUITE = "bookworm"
"""The Debian whose kernel, GRUB and shim a PC boots: all three signed, so that Secure Boot can
stay on and no key is enrolled."""

BOOT_FILES = (
    "vmlinuz", "initrd.img", "shimx64.efi", "grubx64.efi", "grub.0", "boot.img", "core.img",
)  # fmt: skip
"""What a boot server hands out; the last three are for BIOS PCs, the last two for their disks."""
VERSIONS = "agent.json"

CARRIED = ("__init__.py", "errors.py", "imaging/__init__.py", "imaging/wire", "imaging/agent")
"""All that there is of ictops on a PC."""

PACKAGES = (
    "linux-image-amd64", "shim-signed", "grub-efi-amd64-signed", "grub-pc-bin", "grub-common",
    "initramfs-tools", "zstd", "udev", "python3", "python3-zstandard", "openssh-client",
    "fdisk", "e2fsprogs", "dosfstools", "mtools", "btrfs-progs", "ntfs-3g", "partclone",
    "wimtools", "chntpw", "libhivex-bin", "efibootmgr", "nvme-cli", "hdparm", "nwipe",
    "udpcast", "iproute2",
)  # fmt: skip
NOT_UNPACKED = (
    "/etc/kernel/postinst.d/*",  # would make an initramfs of its own first
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
)


@dataclass(frozen=True, slots=True)
class BootFile:
    """One file that a boot server hands out."""

    size: int
    """Bytes."""
    digest: str


@dataclass(frozen=True, slots=True)
class AgentLinux:
    """The agent's Linux as it was built: what a boot server hands out, and what is in it."""

    kernel: str
    """The version of the kernel's package."""
    files: dict[str, BootFile]
    packages: dict[str, str]
    """The version of every Debian package that was there as it was built."""


def build(
    folder: Path, *, ca: Path, signers: Path, package: Path | None = None, mirror: str = ""
) -> AgentLinux:
    """Build the agent's Linux, and put it in place when it is whole.

    Takes about a minute, most of it to compress. The same packages, trust and agent give the
    same bytes (reproducible-builds.org, SOURCE_DATE_EPOCH).

    :param folder: where it goes; what is there already is replaced.
    :param ca: the certificate by which a PC knows its boot server.
    :param signers: the file of the keys whose jobs and images a PC takes (ssh-keygen(1),
        ALLOWED SIGNERS).
    :param package: the folder of the Python package; ictops' own if None.
    :param mirror: of Debian; its own, with its security updates, if empty.
    :raises ImageError: if something is missing, or with the last words of what failed.
    """
    _require(ca, signers)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".agent-", dir=folder.parent) as made,
        _package(package) as code,
    ):
        staged, out = Path(made, "ictops"), Path(made, "out")
        _stage(staged, code, ca, signers)
        _bootstrap(staged, Path(made), mirror)
        found = _describe(out)
        _replace(folder, out, Path(made, "old"))
    return found


def built(folder: Path) -> AgentLinux:
    """Give what is known of an agent's Linux that was built.

    :raises ImageError: if there is none, or it is not whole.
    """
    try:
        read = json.loads((folder / VERSIONS).read_bytes())
        listed = {name: BootFile(**one) for name, one in read["files"].items()}
        whole = all((folder / name).stat().st_size == one.size for name, one in listed.items())
        found = AgentLinux(read["kernel"], listed, read["packages"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _none_there(folder) from error
    if not whole or set(listed) != set(BOOT_FILES):
        raise _none_there(folder)
    return found


def _none_there(folder: Path) -> ImageError:
    return ImageError(
        "the agent's Linux was not built yet", where=str(folder), do="Run 'ictops image agent'"
    )


def _require(ca: Path, signers: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise ImageError("this machine has no mmdebstrap", do="apt-get install mmdebstrap")
    for path, what in ((ca, "the boot server's CA"), (signers, "the keys that sign jobs")):
        if not path.is_file() or not path.stat().st_size:
            raise ImageError(f"{what} is not there, and a PC would trust nobody", where=str(path))


@contextmanager
def _package(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with as_file(files("ictops")) as found:
        yield found


def _stage(staged: Path, code: Path, ca: Path, signers: Path) -> None:
    """Lay out all that goes into the Debian in which the initramfs is made."""
    shutil.copytree(Path(__file__).with_name("initramfs"), staged / "initramfs")
    for name in CARRIED:
        source, target = code / name, staged / "ictops" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    trust = staged / "trust"
    trust.mkdir()
    shutil.copyfile(ca, trust / "ca.crt")
    shutil.copyfile(signers, trust / "allowed_signers")


def _bootstrap(staged: Path, made: Path, mirror: str) -> None:
    here, there = shlex.quote(str(staged)), shlex.quote(str(made))
    hooks = (
        f"copy-in {here} /usr/share",
        f'sh {here}/initramfs/make "$1"',
        f"copy-out /out {there}",
    )
    words = [
        *("mmdebstrap", "--quiet", "--variant=minbase", "--format=null"),
        f"--include={','.join(PACKAGES)}",
        "--dpkgopt=force-unsafe-io",  # it is thrown away: no package need be safe on the disk
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in NOT_UNPACKED),
        *(f"--customize-hook={hook}" for hook in hooks),
        *(SUITE, "/dev/null", *([mirror] if mirror else [])),
    ]
    _run(words, {**os.environ, "TMPDIR": str(made), "LC_ALL": "C.UTF-8"})


def _run(words: Sequence[str], environment: dict[str, str]) -> None:
    """Run mmdebstrap with mounts and processes of its own, so that it leaves neither behind."""
    enclosure: tuple[str, ...] = ()
    if os.geteuid() == 0:
        enclosure = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", *enclosure, *words], env=environment, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        last = " / ".join(done.stdout.strip().splitlines()[-3:])
        raise ImageError(f"the agent's Linux cannot be built: {last}")


def _describe(out: Path) -> AgentLinux:
    listed = (out / "packages").read_text().splitlines()
    packages = dict(line.split(" ", 1) for line in sorted(listed))
    (out / "packages").unlink()
    contents = {name: (out / name).read_bytes() for name in BOOT_FILES}
    found = AgentLinux(
        packages["linux-image-amd64"],
        {name: BootFile(len(data), digest_of(data).hex()) for name, data in contents.items()},
        packages,
    )
    (out / VERSIONS).write_text(json.dumps(asdict(found), indent=1, sort_keys=True) + "\n")
    return found


def _replace(folder: Path, out: Path, old: Path) -> None:
    """Put what was built in place of what was there."""
    if folder.exists():
        folder.rename(old)
    out.rename(folder)
