"""A farm's process, its files, and a session without netmiko."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from ictops.errors import LabError
from ictops.lab.farm.kind import kind_names
from ictops.lab.farm.model import FarmModel
from ictops.lab.farm.process import Farm, start, stop, write_farm
from tests.support.farm import PLATFORMS, device, farm_of, wait_until

LONG = "hostname long\n" + "".join(
    f"interface GigabitEthernet0/{n}\n description port {n}\n" for n in range(1, 60)
)


def talk(
    farm: Farm, name: str, drive: Callable[[asyncssh.SSHClientProcess[str]], Awaitable[str]]
) -> str:
    async def run() -> str:
        address, port = farm.places[name]
        async with (
            asyncssh.connect(
                address,
                port,
                username="admin",
                password="simulated",
                known_hosts=str(farm.known_hosts),
            ) as connection,
            connection.create_process(term_type="vt100", term_size=(80, 24)) as process,
        ):
            return await asyncio.wait_for(drive(process), 10)

    return asyncio.run(run())


def test_each_platform_has_its_case() -> None:
    assert kind_names() == PLATFORMS


def test_output_comes_a_page_at_a_time(tmp_path: Path) -> None:
    async def drive(process: asyncssh.SSHClientProcess[str]) -> str:
        await process.stdout.readuntil(">")
        process.stdin.write("enable\r")
        await process.stdout.readuntil("#")
        process.stdin.write("show running-config\r")
        first = await process.stdout.readuntil("--More-- ")
        assert first.count("\r\n") == 24, "the echoed line and 23 lines"
        process.stdin.write("\r")
        assert (await process.stdout.readuntil("--More-- ")).count("\r\n") == 1
        process.stdin.write(" ")
        assert (await process.stdout.readuntil("--More-- ")).count("\r\n") == 23
        process.stdin.write("q")
        await process.stdout.readuntil("long#")
        process.stdin.write("terminal length 0\rshow running-config\r")
        return await process.stdout.readuntil("end\r\nlong#")

    only = device("cisco_ios", "sw", running=LONG, enable_password=None)
    with farm_of(tmp_path, only) as farm:
        whole = talk(farm, "sw", drive)
    assert "--More--" not in whole
    assert "description port 59" in whole


def test_it_says_in_its_banner_that_it_is_simulated_and_takes_a_line_back(tmp_path: Path) -> None:
    async def drive(process: asyncssh.SSHClientProcess[str]) -> str:
        hello = await process.stdout.readuntil(">")
        process.stdin.write("show unicorn\x7f\x7f\x7f\x7f\x7f\x7f\x7fversion\r")
        assert "SIMULATED" in await process.stdout.readuntil(">")
        return hello

    with farm_of(tmp_path, device("cisco_ios", "sw")) as farm:
        assert "simulated switch" in talk(farm, "sw", drive)
        assert farm.control.log("sw") == ["show version"]


def test_only_its_owner_steers_it_or_reads_its_keys(tmp_path: Path) -> None:
    with farm_of(tmp_path, device("cisco_ios", "one"), device("frr", "two")) as farm:
        secret = [tmp_path / "control", tmp_path / "farm.json", *(tmp_path / "keys").iterdir()]
        assert len(secret) == 4
        assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
        assert len({line.split()[2] for line in farm.known_hosts.read_text().splitlines()}) == 2
        with pytest.raises(LabError, match="three"):
            farm.control.get("three")


def test_its_folder_may_be_as_deep_as_it_likes(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8)
    with farm_of(deep, device("cisco_ios")) as farm:
        assert farm.control.get("cisco_ios")["running"]
        assert stat.S_IMODE((deep / "control").stat().st_mode) == 0o600


def test_keys_stay_and_can_be_one(tmp_path: Path) -> None:
    devices = [device("frr", "one"), device("frr", "two")]
    keys = []
    for _ in range(2):
        with farm_of(tmp_path, *devices, shared_key=True) as farm:
            keys += [line.split()[2] for line in farm.known_hosts.read_text().splitlines()]
    assert len(keys) == 4
    assert len(set(keys)) == 1


def test_it_ends_cleanly_and_is_no_other_process(tmp_path: Path) -> None:
    write_farm(tmp_path, FarmModel(devices=(device("frr", "one"),)))
    farm = start(tmp_path)
    with pytest.raises(LabError, match="runs already"):
        start(tmp_path)
    assert int((tmp_path / "pid").read_text()) == farm.pid
    assert stop(tmp_path)
    assert not (tmp_path / "pid").exists()
    assert not (tmp_path / "control").exists()
    assert not stop(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "pid").write_text(f"{other.pid}\n")
        assert not stop(tmp_path)
        assert other.poll() is None
        assert other.stdin is not None
        other.stdin.close()


def test_a_farm_that_died_can_be_started_again(tmp_path: Path) -> None:
    write_farm(tmp_path, FarmModel(devices=(device("frr", "one"),)))
    farm = start(tmp_path)
    os.kill(farm.pid, signal.SIGKILL)
    wait_until(lambda: not stop(tmp_path), "the end")
    with farm_of(tmp_path, device("frr", "one")) as again:
        assert again.pid != farm.pid


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{}", "devices"),
        ('{"devices": [{"name": "a", "platform": "abacus"}]}', "abacus"),
        ('{"devices": [{"name": "../a", "platform": "frr"}]}', "name"),
        (json.dumps({"devices": [{"name": "a", "platform": "frr"}] * 2}), "two devices"),
        ('{"devices": [{"name": "a", "platform": "frr", "address": "192.0.2.1"}]}', "listen"),
    ],
)
def test_a_wrong_file_is_said(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "farm.json").write_text(text)
    with pytest.raises(LabError, match=what):
        start(tmp_path)
    assert not (tmp_path / "pid").exists()
