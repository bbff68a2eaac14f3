"""Makes a written Windows this host: its answer file, its keys, its drivers, its registry.

Windows itself takes the host name and joins the domain, when it first starts and finds the answer
file (``unattend.xml``): that is what Microsoft supports, and only for an image that sysprep has
generalized. Nothing else is patched but a registry key of our own.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from ictops.imaging.agent import drivers, hive, ntfs
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import Adapt, SeedFile

SOFTWARE = "Windows/System32/config/SOFTWARE"
SYSTEM = "Windows/System32/config/SYSTEM"
KEY = "ictops"
"""Below HKLM\\SOFTWARE: which host and image this is."""
DRIVERS = "Windows/ictops/drivers"
UNATTEND = "Windows/Panther/unattend.xml"
EARLIER = tuple(
    f"Windows/Panther/Unattend/{name}.xml" for name in ("unattend", "autounattend")
)  # fmt: skip
"""Answer files that Setup would take before ours ("Windows Setup Automation Overview", implicit
answer file search order)."""
SEALED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
"""What sysprep /generalize /oobe leaves ("Windows Setup States")."""
_STATE = "Microsoft\\Windows\\CurrentVersion\\Setup\\State"
_STATE_FILE = "Windows/Setup/State/State.ini"
_STATE_LINE = re.compile(r"^\s*ImageState\s*=\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_COMPUTER_NAME = re.compile(r"(?!\d+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?")
"""NetBIOS' 15 characters, of those that DNS has, and not digits alone."""
_SSHD = ("Windows/System32/OpenSSH/sshd.exe", "Program Files/OpenSSH/sshd.exe")
_SSH = "ProgramData/ssh"
_HOST_KEY = f"{_SSH}/ssh_host_ed25519_key"
_AUTHORIZED = f"{_SSH}/administrators_authorized_keys"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a Windows."""

    host_keys: tuple[str, ...]
    """Public SSH host keys."""
    drivers: int
    """Files."""
    notes: tuple[str, ...] = ()


def is_on(volume: Path) -> bool:
    """Say whether a volume has a Windows."""
    with ntfs.mounted(volume, read_only=True) as root:
        return ntfs.inside(root, SOFTWARE).is_file()


def check(volume: Path) -> None:
    """See that the Windows on a volume will ask who it is when it starts; change nothing.

    :raises JobFailed: ``image-damaged``.
    """
    with ntfs.mounted(volume, read_only=True) as root:
        _look(root)


def adapt(
    volume: Path,
    wanted: Adapt,
    *,
    image: str,
    model: str,
    secret: Callable[[], str],
    get: drivers.Get,
) -> Written:
    """Make the Windows on a volume the wanted host, and read back that it is.

    The secret is asked for when all else is done: a job that fails before never had it.

    :param image: name and version, parted by a slash.
    :param model: what the PC's DMI calls it.
    :param secret: asks the boot server for the job's secret.
    :param get: fetches a file of the image server.
    :raises JobFailed: ``image-damaged`` if the image cannot become a host, such as one that was
        not generalized; ``job-refused`` if the job cannot be met by it; ``disk-failing``.
    """
    if not _COMPUTER_NAME.fullmatch(wanted.host_name):
        raise JobFailed(
            "job-refused",
            f"{wanted.host_name!r} is no name for a Windows computer: 1 to 15 letters, digits and"
            " hyphens, not digits alone",
        )
    _look_for_secret(wanted)
    values = dict(zip(("Image", "Version"), image.split("/", 1), strict=True))
    values["HostName"] = wanted.host_name
    with ntfs.mounted(volume) as root:
        _look(root)
        for name in EARLIER:
            ntfs.inside(root, name).unlink(missing_ok=True)
        keys = _trust(root, wanted)
        count, notes = _put_drivers(root, wanted, model, get)
        hive.put(ntfs.inside(root, SOFTWARE), KEY, values)
        notes += tuple(
            f"{file.path} of the image was replaced"
            for file in wanted.files
            if file.path != UNATTEND and ntfs.inside(root, file.path).exists()
        )
        written = _files(wanted, secret)
        for name, data in written.items():
            ntfs.write(root, name, data)
    with ntfs.mounted(volume, read_only=True) as root:
        _read_back(root, written, values)
    ntfs.check(volume)
    return Written(keys, count, notes)


def _look(root: Path) -> None:
    """See that this is a Windows which will ask who it is when it starts.

    :raises JobFailed: ``image-damaged``.
    """
    for name in (SOFTWARE, SYSTEM):
        at = ntfs.inside(root, name)
        if not at.is_file():
            raise JobFailed("image-damaged", f"there is no Windows: {name} is missing")
        hive.check(at)
    states = {hive.get(ntfs.inside(root, SOFTWARE), _STATE, "ImageState")}
    file = ntfs.inside(root, _STATE_FILE)
    if file.is_file():
        states.update(_STATE_LINE.findall(_text(file.read_bytes())))
    if states != {SEALED}:
        raise JobFailed(
            "image-damaged",
            "this Windows is not generalized, and would start as the PC that it was captured from:"
            f" its state is {', '.join(sorted(map(str, states)))}",
            do="Run sysprep /generalize /oobe /shutdown on the reference PC, and capture it again",
        )
    if pointer := hive.get(ntfs.inside(root, SYSTEM), "Setup", "UnattendFile"):
        raise JobFailed(
            "image-damaged",
            f"this Windows is told to take its answers from {pointer}, not from ictops",
            do="Delete the value UnattendFile of HKLM\\SYSTEM\\Setup on the reference PC, and"
            " capture it again",
        )


def _text(data: bytes) -> str:
    return data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8", "replace")


def _trust(root: Path, wanted: Adapt) -> tuple[str, ...]:
    """Give it an SSH host key of its own, and let in whom the job names."""
    if not any(ntfs.inside(root, name).is_file() for name in _SSHD):
        if wanted.authorized_keys:
            raise JobFailed(
                "job-refused",
                "the job lets SSH keys in, and this Windows has no OpenSSH Server",
                do="Add the feature OpenSSH Server to the reference PC, or give no authorized keys",
            )
        return ()
    folder = ntfs.inside(root, _SSH)
    if folder.is_dir():
        for old in list(folder.iterdir()):
            if old.name.startswith("ssh_host_"):
                old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", wanted.host_name, "-f", made],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        public = made.with_suffix(".pub").read_bytes()
        ntfs.write(root, _HOST_KEY, made.read_bytes())
        ntfs.write(root, f"{_HOST_KEY}.pub", public)
    # Whoever is in Administrators is looked up here, not at home (Microsoft, "Key-based
    # authentication in OpenSSH for Windows"); the others have no home yet.
    lines = sorted({line for keys in wanted.authorized_keys.values() for line in keys})
    ntfs.write(root, _AUTHORIZED, "".join(f"{line}\n" for line in lines).encode())
    return (public.decode().strip(),)


def _put_drivers(
    root: Path, wanted: Adapt, model: str, get: drivers.Get
) -> tuple[int, tuple[str, ...]]:
    if not wanted.drivers:
        return 0, ()
    folder = drivers.choose(model, wanted.drivers)
    if folder is None:
        return 0, (f"there are no drivers for {model}",)
    return drivers.put(root, DRIVERS, folder, get), ()


def _look_for_secret(wanted: Adapt) -> None:
    holders = [file for file in wanted.files for _ in range(_count(file, wanted.secret))]
    if wanted.secret is not None and len(holders) != 1:
        raise JobFailed(
            "job-refused",
            f"the secret's place is there {len(holders)} times, and a secret is written once",
        )


def _count(file: SeedFile, word: str | None) -> int:
    return file.text.count(word) if word else 0


def _files(wanted: Adapt, secret: Callable[[], str]) -> dict[str, bytes]:
    """Give the job's files by path, with what only this PC is to know."""
    texts = {file.path: file.text for file in wanted.files}
    for word, value in ((wanted.random, password), (wanted.secret, secret)):
        if word is not None:
            known = value()
            texts = {
                path: text.replace(word, escape(known) if path.endswith(".xml") else known)
                for path, text in texts.items()
            }
    return {
        # cmd.exe loses its place in scripts whose lines end otherwise.
        path: (re.sub(r"\r?\n", "\r\n", text) if path.endswith(".cmd") else text).encode()
        for path, text in texts.items()
    }


def password() -> str:
    """Give a password that nobody knows, of all the kinds of characters that Windows asks for."""
    return f"{secrets.token_urlsafe(24)}-aA1"


def _read_back(root: Path, written: dict[str, bytes], values: dict[str, str]) -> None:
    wrong = [name for name, data in written.items() if ntfs.inside(root, name).read_bytes() != data]
    software = ntfs.inside(root, SOFTWARE)
    wrong += [name for name, value in values.items() if hive.get(software, KEY, name) != value]
    if wrong:
        raise JobFailed(
            "disk-failing", f"{', '.join(wrong)} was read back otherwise than it was written"
        )
