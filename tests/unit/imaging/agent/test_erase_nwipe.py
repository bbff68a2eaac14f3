"""nwipe on magnetic disks: the real one on loop devices, and stand-ins for all that it may do."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ictops.imaging.agent import nwipe
from ictops.imaging.agent.erase import OVERWRITE, erase
from ictops.imaging.agent.method import POLL_SECONDS, Pause, Refused
from ictops.imaging.wire.job import Erase
from ictops.imaging.wire.said import Disk, End, Erased, Progress

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes loop devices, and erases them")

MIB = 1 << 20
SIZE = 8 * MIB
REAL = "/usr/sbin/nwipe"
AT = "[2026/10/26 09:00:00]"

Make = Callable[[], Path]


@dataclass(frozen=True)
class Tool:
    """A stand-in for nwipe; its script knows ``$disk`` and ``$name``, and a folder ``$here``."""

    folder: Path

    def does(self, script: str) -> None:
        path = self.folder / "nwipe"
        path.write_text(
            '#!/bin/sh\n[ "$1" != --version ] || { echo "nwipe version 0.33"; exit; }\n'
            f"trap '' USR1\nhere={self.folder}\n"
            f"for disk; do :; done\nname=${{disk#/dev/}}\n{script}"
        )
        path.chmod(0o755)

    def said(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def once_at_work(self, _seconds: float) -> None:
        """Pause until the script has made ``$here/at-work``, then hardly at all."""
        until((self.folder / "at-work").exists, 30)
        time.sleep(0.005)


def until(true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)


def briefly(_seconds: float) -> None:
    time.sleep(0.05)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Path] = []

    def one() -> Path:
        file = tmp_path / f"medium{len(made)}"
        file.write_bytes(os.urandom(SIZE))
        words = ["losetup", "--find", "--show", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        made.append(Path(done.stdout.strip()))
        return made[-1]

    yield one
    for device in made:
        subprocess.run(["losetup", "--detach", str(device)], check=True)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Tool(folder)


def run(device: Path, pause: Pause = briefly, told: list[Progress] | None = None) -> End:
    disk = Disk(str(device), "SN-1", "Model 1", SIZE, "virtio", True, False)
    tell = (told if told is not None else []).append
    return erase(Erase(("SN-1",), sample=10), [disk], tell, pause=pause)


def only(end: End) -> Erased:
    (one,) = end.erased
    return one


def blank(device: Path) -> bool:
    data = device.read_bytes()
    return len(data) == SIZE and not data.strip(b"\0")


def test_the_real_one_leaves_zeros_alone(make: Make) -> None:
    device, other = make(), make()
    before = other.read_bytes()
    told: list[Progress] = []
    end = run(device, told=told)
    one = only(end)
    assert (one.erased, one.method, one.fault, end.notes) == (True, nwipe.WORDS, "", ())
    assert one.tool.startswith("nwipe version 0.")
    assert (one.verified, one.changed) == (12, 12)
    assert blank(device)
    assert other.read_bytes() == before
    done = [each.done for each in told]
    assert done == sorted(done)


def test_it_sees_no_disk_but_its_own(make: Make, tool: Tool) -> None:
    device, other = make(), make()
    tool.does('ls /dev >"$here/seen"; stat -c %t:%T "$disk" >"$here/number"; exit 1')
    before = other.read_bytes()
    assert only(run(device)).method == OVERWRITE
    assert set(tool.said("seen").split()) == {"null", "urandom", device.name}
    number = device.stat().st_rdev
    assert tool.said("number").strip() == f"{os.major(number):x}:{os.minor(number):x}"
    assert (other.exists(), other.read_bytes()) == (True, before)


def test_a_disk_that_it_does_not_find_is_overwritten_by_the_agent(make: Make, tool: Tool) -> None:
    device, other = make(), make()
    before = other.read_bytes()
    tool.does(f"exec {REAL} {' '.join(nwipe.OPTIONS)} /dev/gone")
    end = run(device)
    assert (only(end).erased, only(end).method, only(end).tool) == (True, OVERWRITE, "")
    assert "ended with 1" in end.notes[0]
    assert blank(device)
    assert other.read_bytes() == before


def test_the_real_one_waits_for_ever_at_a_disk_that_it_cannot_open(
    make: Make, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nwipe, "STILL_SECONDS", 40 * POLL_SECONDS)
    device = make()
    before = device.read_bytes()
    # Even root may then only read it: nwipe finds the disk, and cannot open it to write.
    may_read = 'chown 1 "$disk"; chmod 044 "$disk"; exec setpriv --bounding-set=-all'
    tool.does(f'{may_read} {REAL} "$@"')
    with pytest.raises(Refused, match=r"nwipe stood still .*: open: "):
        nwipe.method(str(device)).run(lambda _share: None, briefly)
    assert device.read_bytes() == before


BEGINS = f"""
echo "{AT}  notice: Found $disk, VIRT, $(printf 'M\\377\\200del'), 8 MB, S/N=$(printf '\\033\\001')"
echo "{AT}  notice: Invoking method 'Fill With Zeros' on $disk"
echo "{AT}  notice: Starting pass 1/1, round 1/1, on $disk"
"""
ZEROS = 'dd if="$here/zeros" of="$disk" bs=1M conv=fsync 2>&1'


def ends(
    written: int = SIZE, errors: str = "0 0 0", status: str = " Erased ", more: str = ""
) -> str:
    """Give what it says at its end, such as that it did all that it had to do."""
    first, second, third = errors.split()
    return f"""
echo "{AT}  notice: {written} bytes written to $disk"
echo "{AT}  notice: Finished final round 1 of 1 on $disk"{more}
echo "!   Device | Pass Errors | Verifications Errors | Fdatasync I\\O Errors"
printf '  %8s |  %10s |           %10s |           %10s\n' $name {first} {second} {third}
echo "!   Device | Status | Thru-put | HH:MM:SS | Model/Serial Number"
printf '  %8s |{status}|   0 B/s | 00:00:02 | M/S\n' $name
echo "{AT}    info: Nwipe successfully completed. See summary table for details."
"""


@pytest.fixture
def zeros(tool: Tool) -> None:
    with (tool.folder / "zeros").open("wb") as file:
        file.truncate(SIZE)


def test_the_stand_in_is_taken_for_nwipe_if_it_does_its_work(
    make: Make, tool: Tool, zeros: None
) -> None:
    device = make()
    tool.does(BEGINS + ZEROS + ends())
    one = only(run(device))
    assert (one.erased, one.fault) == (True, "")
    assert (one.method, one.tool) == (nwipe.WORDS, "nwipe version 0.33")
    assert blank(device)


@pytest.mark.parametrize(
    ("end", "fault"),
    [
        (ends(SIZE - MIB), f"says that {SIZE - MIB} of {SIZE} bytes were written"),
        (ends(0), "says that 0 of"),
        ("", "says that none of"),
        (ends() + ends(), "says that 8388608 and 8388608 of"),
        (ends(errors="512 0 0"), "no errors"),
        (ends(errors="0 3 0"), "no errors"),
        (ends(errors="0 0 1"), "no errors"),
        (ends(status="-FAILED-"), "not say that the disk is erased"),
        (ends(status="UABORTED"), "not say that the disk is erased"),
        (ends(more=f"; echo '{AT}   error: fdatasync: Input/output error'"),
         "no errors; it said: fdatasync: Input/output error"),
        (ends() + "exit 1", "nwipe ended with 1; it said: "),
        (ends() + "kill -9 $$", "nwipe ended with -9; it said: "),
    ],
)  # fmt: skip
def test_what_it_does_not_prove_is_not_erased(
    make: Make, tool: Tool, zeros: None, end: str, fault: str
) -> None:
    tool.does(BEGINS + ZEROS + end)
    one = only(run(make()))
    assert (one.erased, one.method, one.tool) == (False, "", "")
    assert fault in one.fault


def test_what_it_says_and_is_not_so_is_read_back(make: Make, tool: Tool) -> None:
    device = make()
    tool.does(BEGINS + ends())
    one = only(run(device))
    assert not one.erased
    assert "did not stay" in one.fault


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Usage: nwipe [options] [device1] [device2] ...'", "ended with 0 and says that no"),
        ("echo 'No drives found'; exit 1", "it said: No drives found"),
        ("kill -11 $$", "ended with -11"),
        ("exit 0", "it said nothing"),
        (BEGINS.partition("Starting")[0] + '"', "says that none of"),
    ],
)
def test_where_it_does_not_begin_the_agent_overwrites_the_disk(
    make: Make, tool: Tool, script: str, why: str
) -> None:
    device = make()
    tool.does(script)
    end = run(device)
    assert (only(end).erased, only(end).method, only(end).tool) == (True, OVERWRITE, "")
    assert blank(device)
    (note,) = end.notes
    assert note.startswith(f"SN-1: not done: {nwipe.WORDS}: nwipe ")
    assert why in note


@pytest.mark.parametrize("without", ["nwipe", "unshare"])
def test_where_a_tool_is_not_there_the_agent_overwrites_the_disk(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in {"nwipe", "unshare", "sh", "mount", "mknod"} - {without}:
        found = REAL if name == "nwipe" else f"/usr/bin/{name}"
        (few / name).symlink_to(found)
    device = make()
    monkeypatch.setenv("PATH", str(few))
    end = run(device)
    monkeypatch.undo()
    assert (only(end).erased, only(end).method, only(end).tool) == (True, OVERWRITE, "")
    assert without in end.notes[0].partition(nwipe.WORDS)[2]
    assert blank(device)


HANGS = """
sleep 600 &
echo $! $$ >"$here/processes"
touch "$here/at-work"
wait
while :; do sleep 600; done
"""


@pytest.mark.parametrize("began", [False, True])
def test_it_is_ended_where_it_stands_still(make: Make, tool: Tool, began: bool) -> None:
    device = make()
    tool.does((BEGINS if began else "") + HANGS)
    end = run(device, tool.once_at_work)
    one = only(end)
    for process in tool.said("processes").split():
        stat = Path(f"/proc/{process}/stat")
        until(lambda stat=stat: not stat.exists() or ") Z " in stat.read_text(), 10)  # type: ignore[misc]
        assert not stat.exists() or ") Z " in stat.read_text()
    if began:
        assert (one.erased, one.method) == (False, "")
        assert "nwipe stood still for 300 seconds; it said: " in one.fault
    else:
        assert (one.erased, one.method) == (True, OVERWRITE)
        assert "nwipe stood still for 300 seconds; it said nothing" in end.notes[0]
        assert blank(device)


GOES_ON = f"""
done=0
goes_on() {{
  done=$((done + 1))
  echo "{AT}    info: $disk: ${{done}}0.00%, round 1 of 1, pass 1 of 1, eta 00:00:01, [writing]"
  echo $done >"$here/done"
}}
trap goes_on USR1
echo 0 >"$here/done"
while [ $done -lt 9 ]; do sleep 0.01; done
"""


def test_it_may_take_long_if_it_goes_on_and_how_far_it_is_is_told(
    make: Make, tool: Tool, zeros: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nwipe, "STILL_SECONDS", 4 * POLL_SECONDS)
    tool.does(BEGINS + GOES_ON + ZEROS + ends())
    seen = [""]

    def pause(_seconds: float) -> None:
        until(lambda: tool.said("done") != seen[0], 1 if seen[0].strip() == "9" else 30)
        seen[0] = tool.said("done")

    told: list[Progress] = []
    assert only(run(make(), pause, told)).erased
    shares = {round(one.done * 20 / SIZE) for one in told if one.done < SIZE // 2}
    assert shares == set(range(1, 10))
    assert {one.note for one in told} == {f"SN-1: {nwipe.WORDS}"}


def test_it_is_ended_with_the_agents_step(make: Make, tool: Tool) -> None:
    tool.does(BEGINS + HANGS)

    class StoppedError(Exception):
        pass

    def stop(_seconds: float) -> None:
        tool.once_at_work(0)
        raise StoppedError

    with pytest.raises(StoppedError):
        run(make(), stop)
    _child, itself = tool.said("processes").split()
    assert not Path(f"/proc/{itself}").exists()
