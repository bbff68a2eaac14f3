"""What people image PCs with: ``curl | zstd -d | dd``, in the Linux that the agent runs in.

The PC boots the agent's kernel and initramfs, and before that an archive of its own, which has
these three programs, with all their libraries, and a script that the word ``boot=rival`` calls
instead of the agent. What is fetched is one Zstandard stream of the level that the image store has,
with nothing in it but what is used on the disk. People stream whole disks; then zeros go through
zstd and dd, too, which takes longer, and the agent would be compared with what it need not do.
``fsync`` is within the time, as it is within the agent's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.imaging.shop import NotMeasured
from ictops.imaging.agent.cutting import LEVEL

TOOLS = ("curl", "zstd", "dd")
ARCHIVE, STREAM = "rival.img", "rival.zst"
OVER = "RIVAL over"
GRUB = """\
if linux /agent/vmlinuz boot=rival ictops.mac={mac} rival.url={url} quiet loglevel=3 panic=30 \
console=tty0 console=ttyS0; then
  if initrd /{archive} /agent/initrd.img; then boot; fi
fi
"""
SCRIPT = """\
. /scripts/ictops

tool() {
	name=$1
	shift
	/rival/lib/loader --library-path /rival/lib "/rival/bin/$name" "$@" ||
		echo "$name $?" >>/run/fault
}

stamp() {
	read -r now rest </proc/uptime
	say "RIVAL $1 $now"
}

mountroot() {
	booted_by
	find_card || again "There is no card $mac."
	plug_in "$card"
	ipconfig -c dhcp -d "$card" -t 60 >/run/ipconfig.log 2>&1 || again "There is no DHCP."
	udevadm settle --timeout=30 || true
	read -r line </proc/cmdline
	for word in $line; do
		case "$word" in rival.url=*) url="${word#rival.url=}" ;; esac
	done
	stamp link
	tool curl -sSf -o /dev/null "$url"
	stamp write
	tool curl -sSf "$url" | tool zstd -dc | tool dd of=/dev/vda bs=1M iflag=fullblock \\
		conv=fsync status=none
	stamp end
	[ ! -e /run/fault ] || say "RIVAL fault $(cat /run/fault)"
	say "RIVAL over"
	while :; do sleep 60; done
}
"""
_STAMP = re.compile(r"RIVAL (link|write|end) ([\d.]+)")
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


def make_archive(path: Path, scratch: Path) -> None:
    """Make the initramfs that comes before the agent's.

    :param scratch: an empty folder.
    """
    root = scratch / "root"
    for name in ("scripts", "rival/bin", "rival/lib"):
        (root / name).mkdir(parents=True)
    (root / "scripts/rival").write_text(SCRIPT)
    for tool in TOOLS:
        program = shutil.which(tool)
        if program is None:
            raise NotMeasured(f"this machine has no {tool}")
        shutil.copy(program, root / "rival/bin")
        said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
        for library in _LIBRARY.findall(said.stdout):
            loader = Path(library).name.startswith("ld-linux")
            shutil.copy(library, root / "rival/lib" / ("loader" if loader else Path(library).name))
    with path.open("xb") as file:
        names = "\n".join(str(one.relative_to(root)) for one in sorted(root.rglob("*")))
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=file,
            check=True,
        )  # fmt: skip
    shutil.rmtree(root)


def make_stream(used: Path, path: Path) -> None:
    """Compress bytes as people do."""
    words = ["zstd", "-q", "-f", f"-{LEVEL}", "-T0", str(used), "-o", str(path)]
    subprocess.run(words, check=True)


def seconds_of(serial: str) -> tuple[float, float]:
    """Give the seconds of the fetch alone, and of all, from what the PC said.

    :raises NotMeasured: if something failed.
    """
    found = {name: float(at) for name, at in _STAMP.findall(serial)}
    if "RIVAL fault" in serial or found.keys() != {"link", "write", "end"}:
        raise NotMeasured(f"curl, zstd and dd failed: {serial[-500:]}")
    return round(found["write"] - found["link"], 2), round(found["end"] - found["write"], 2)
