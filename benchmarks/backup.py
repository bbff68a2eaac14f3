"""Backups of many small files: a host's nightly backup against restic alone, and what is found.

``python -m benchmarks.backup [--files N | --full] [--rounds N] [--snapshots N] [--json]``. It needs
what ``ictops lab`` and the tests of backups need, brings up a school of its own with a backup
server and takes it away. ``ictops backup run`` and a bare ``restic backup`` of the same folder go
in turn over the same ssh to the same rclone into the same empty repository. Then some of the files
are changed, and ten times as many; and one file is looked for and brought back out of a repository
with a snapshot a night, of which one has it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.report import Report, Target, alternate, finish, median
from tests.support.backed_up import HOST, SERVER, BackedUp, school_of

TIMES_BARE = 1.1
ADDED_PER_BYTE = 1.25
TEN_TIMES = 11.0
FIND_SECONDS = 10.0
FILES, FULL = 200_000, 1_000_000
LONGEST = 3600.0
"""Seconds that a command may take: a million files need some minutes."""
A_FOLDER = 100
"""Files."""
SIZE = 16384
"""Bytes of a file."""
ICTOPS, BARE = "ictops backup run", "restic backup"
PACKAGES = ("ictops", "ansible-core", "ansible-runner")
TREE = "/home/pupils"
NEEDLE = f"{TREE}/p7/the needle.odt"
WRITE = f"""
import os, pathlib, sys
first, last = int(sys.argv[1]), int(sys.argv[2])
for number in range(first, last):
    folder = pathlib.Path("{TREE}", f"p{{number}}")
    folder.mkdir(parents=True, exist_ok=True)
    for file in range({A_FOLDER}):
        (folder / f"{{file}}.txt").write_bytes(os.urandom({SIZE}))
"""
RESTIC = (
    "RESTIC_PASSWORD_FILE=/etc/ictops-backup/password restic -r rclone: "
    "-o 'rclone.program=ssh -F /etc/ictops-backup/ssh_config backup-server' "
)
NIGHTS = f"""
repository=$1 nights=$2 password=$3
export RESTIC_PASSWORD_FILE=$password RESTIC_REPOSITORY=$repository HOME=/root
for night in $(seq "$nights"); do
    date=$(date -d "2025-01-01 +$night days" '+%Y-%m-%d 02:00:00')
    for file in 1 2 3 4 5; do
        head -c 2048 /dev/urandom > "{TREE}/p$((night % 50))/$file.txt"
    done
    if [ "$night" = $((nights / 2)) ]; then head -c 300000 /dev/urandom > "{NEEDLE}"; fi
    restic --quiet backup --time "$date" --host {HOST} --tag set=homes --tag class=pupils \\
        --tag kind=folders {TREE}
    if [ "$night" = $((nights / 2)) ]; then
        sha256sum < "{NEEDLE}" > /needle
        rm "{NEEDLE}"
    fi
done
chown -R ictops-backup: "$repository"
"""


class Bench:
    """A school with many files."""

    def __init__(self, school: BackedUp, files: int) -> None:
        self.school = replace(school, work=replace(school.work, seconds=LONGEST))
        self.folders = files // A_FOLDER
        self.repository = school.repository()
        self.kept = Path(self.repository).name
        self.on(SERVER, f"cp -a {self.repository} /empty")
        self.on(HOST, f"rm -r {TREE}")
        self.write(HOST, 0, self.folders)

    def on(self, host: str, script: str) -> str:
        """Run a script on a host."""
        return self.school.on(host, script)

    def write(self, host: str, first: int, last: int) -> None:
        """Write the files of some folders, each time with others in them."""
        self.on(host, f"python3 -c '{WRITE}' {first} {last}")

    def empty(self) -> None:
        """Have an empty repository, and nothing of it remembered."""
        self.on(SERVER, f"rm -r {self.repository} && cp -a /empty {self.repository} && sync")
        self.on(HOST, "rm -rf /root/.cache/restic")

    def by_ictops(self) -> None:
        """Back up as the schedule would."""
        done = self.school.json("backup", "run", "--set", "homes", "--limit", HOST)
        if (done["good"], done["failed"]) != (1, {}):
            raise RuntimeError(f"the backup failed: {done}")

    def by_restic(self) -> None:
        """Back up with nothing else than restic."""
        self.on(HOST, f"{RESTIC} backup --quiet --host {HOST} {TREE}")

    def bytes(self) -> int:
        """Give the size of the repository."""
        return int(self.on(SERVER, f"du -sb {self.repository}/data").split()[0])

    def again(self, folders: int) -> tuple[float, float]:
        """Change the files of some folders and back up; give bytes added a byte, and seconds."""
        self.write(HOST, 0, folders)
        before, begun = self.bytes(), time.perf_counter()
        self.by_ictops()
        seconds = time.perf_counter() - begun
        return (self.bytes() - before) / (folders * A_FOLDER * SIZE), seconds

    def nights(self, many: int) -> None:
        """Fill the repository with a snapshot a night."""
        self.empty()
        self.write(SERVER, 0, 50)
        password = f"/etc/ictops-backup-server/{self.kept}.password"
        self.on(SERVER, f"cat > /nights <<'end'\n{NIGHTS}end\n")
        self.on(SERVER, f"sh -eu /nights {self.repository} {many} {password}")

    def find(self) -> tuple[float, float]:
        """Look for one file and bring it back; give the seconds of both."""
        begun = time.perf_counter()
        found = self.school.json("backup", "find", "--site", "lab001", "--path", "*needle*")
        looked = time.perf_counter() - begun
        (one,) = found["found"]
        words = ("--snapshot", one["snapshot"], "--reason", "a benchmark")
        begun = time.perf_counter()
        back = self.school.json("backup", "restore", HOST, NEEDLE, *words)
        brought = time.perf_counter() - begun
        if self.school.digest(back["where"]) != self.on(SERVER, "cat /needle").split()[0]:
            raise RuntimeError(f"{back['where']} is not what was backed up")
        return looked, brought


def say(text: str) -> None:
    """Tell a person who waits."""
    print(text, file=sys.stderr, flush=True)


def measure(bench: Bench, rounds: int, nights: int) -> Report:
    """Give what there is to tell of a school."""
    contenders = {ICTOPS: lambda _: bench.by_ictops(), BARE: lambda _: bench.by_restic()}
    seconds = alternate(contenders, rounds, say, before=bench.empty)
    bench.empty()
    bench.by_ictops()
    few = max(1, bench.folders // 100)
    added, took = bench.again(few)
    many, longer = bench.again(few * 10)
    say(f"a second run took {took:.1f} s, with ten times as many changes {longer:.1f} s")
    bench.nights(nights)
    looked, brought = bench.find()
    times = median(seconds[ICTOPS]) / median(seconds[BARE])
    up_to = {"at_least": False}
    targets = [
        Target(f"times as long as {BARE}", times, TIMES_BARE, **up_to),
        Target("bytes added a changed byte, second run", added, ADDED_PER_BYTE, **up_to),
        Target("times as many for ten times the change", 10 * many / added, TEN_TIMES, **up_to),
        Target(f"seconds to find a file in {nights} snapshots", looked, FIND_SECONDS, **up_to),
    ]
    where = "host, server and ictops share this machine"
    changed = few * A_FOLDER
    notes = [
        f"{bench.folders * A_FOLDER} files of {SIZE} bytes, {A_FOLDER} a folder; {where}",
        f"second run: {changed} files changed {took:.1f} s, {10 * changed} {longer:.1f} s",
        f"the file was brought back in {brought:.1f} s, right to the byte",
    ]
    return Report("backup", seconds, targets, notes)


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES, help="at least 10000")
    parser.add_argument("--full", action="store_true", help=f"{FULL} files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--snapshots", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the lab is taken away then, too
    with (
        tempfile.TemporaryDirectory(prefix="ictops-bench-") as name,
        school_of(Path(name).resolve()) as school,
    ):
        bench = Bench(school, FULL if asked.full else asked.files)
        report = measure(bench, asked.rounds, asked.snapshots)
    return finish(report, PACKAGES, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
