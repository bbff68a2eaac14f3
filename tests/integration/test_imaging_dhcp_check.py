"""What a school's DHCP server is found to send: dnsmasq in a network of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.modules import imaging_dhcp_check as check

pytestmark = [
    pytest.mark.imaging,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces"),
]

SERVER = "198.18.78.1"
FILES = {"0": "grub.0", "7": "shimx64.efi", "9": "shimx64.efi"}
RIGHT = [
    "--dhcp-match=set:bios,option:client-arch,0",
    f"--dhcp-boot=tag:bios,grub.0,,{SERVER}",
    f"--dhcp-boot=tag:!bios,shimx64.efi,,{SERVER}",
]
Network = Callable[..., None]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Give what starts a DHCP server in the namespace; PCs' side of it is ``pc``."""
    space = f"ictops-dhcp-{os.getpid()}"
    started: list[subprocess.Popen[bytes]] = []

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    def serve(*options: str, address: str = SERVER) -> None:
        words = ["ip", "netns", "exec", space, "dnsmasq", "--keep-in-foreground", "--conf-file="]
        words += ["--port=0", f"--interface=school{len(started)}", "--bind-interfaces"]
        words += ["--dhcp-range=198.18.78.100,198.18.78.199,255.255.255.0,2m", "--no-ping"]
        words += [f"--dhcp-leasefile={tmp_path}/leases{len(started)}", "--log-facility=-"]
        words += ["--user=root", "--dhcp-authoritative", *options]
        link = f"school{len(started)}"
        ip("-n", space, "link", "add", link, "type", "veth", "peer", "name", f"{link}-port")
        ip("-n", space, "link", "set", f"{link}-port", "master", "switch", "up")
        ip("-n", space, "address", "add", f"{address}/24", "dev", link)
        ip("-n", space, "link", "set", link, "up")
        log = tmp_path / f"log{len(started)}"
        with log.open("wb") as said:
            started.append(subprocess.Popen(words, stderr=said))
        until = time.monotonic() + 30
        while b"started" not in log.read_bytes():
            assert started[-1].poll() is None, log.read_text()
            assert time.monotonic() < until, "dnsmasq does not start"
            time.sleep(0.05)

    ip("netns", "add", space)
    try:
        ip("-n", space, "link", "add", "switch", "type", "bridge")
        ip("-n", space, "link", "set", "switch", "up")
        ip("-n", space, "link", "add", "pc", "type", "veth", "peer", "name", "pc-port")
        ip("-n", space, "link", "set", "pc-port", "master", "switch", "up")
        ip("-n", space, "link", "set", "pc", "up")
        yield serve
    finally:
        for process in started:
            process.kill()
            process.wait()
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("netns", "delete", space)


def asked(files: dict[str, str], seconds: int = 8, interface: str = "pc") -> dict[str, Any]:
    """Run the module in the namespace, as Ansible does on a host."""
    arguments = {"interface": interface, "next_server": SERVER, "boot_files": files}
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "seconds": seconds}})
    words = ["ip", "netns", "exec", f"ictops-dhcp-{os.getpid()}", sys.executable, check.__file__]
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode != 0) == bool(told.get("failed"))
    return told


def test_a_server_that_sends_what_it_must(network: Network) -> None:
    network(*RIGHT)
    told = asked(FILES)
    assert told["faults"] == []
    assert {n: one[0]["boot_file"] for n, one in told["offers"].items()} == FILES


def test_a_server_that_knows_nothing_of_booting(network: Network) -> None:
    network()
    message = asked(FILES)["msg"]
    sends = "the DHCP server 198.18.78.1 sends boot file none"
    assert f"to PCs with BIOS (0), UEFI (7), UEFI (9): {sends}. The DHCP server must" in message
    assert f"next-server (siaddr; option 66) {SERVER}" in message
    assert "(option 93): grub.0 to 0, shimx64.efi to 7 and 9" in message


def test_a_server_that_sends_pcs_elsewhere_and_all_kinds_the_same(network: Network) -> None:
    network("--dhcp-boot=shimx64.efi,,198.18.78.9")
    bios, uefi = asked(FILES)["faults"]
    sends = "the DHCP server 198.18.78.1 sends next-server 198.18.78.9"
    assert bios == f"to PCs with BIOS (0): {sends} and boot file shimx64.efi"
    assert uefi == f"to PCs with UEFI (7), UEFI (9): {sends}"


def test_options_66_and_67_do_as_well_as_the_fields(network: Network) -> None:
    network("--dhcp-option-force=66,198.18.78.1", "--dhcp-option-force=67,shimx64.efi")
    assert asked({"7": "shimx64.efi"})["faults"] == []


def test_a_second_server_is_heard_of(network: Network) -> None:
    network(*RIGHT)
    network("--dhcp-boot=pxelinux.0", address="198.18.78.2")
    faults = asked({"7": "shimx64.efi"})["faults"]
    assert len(faults) == 1
    assert "198.18.78.2 sends next-server 198.18.78.2 and boot file pxelinux.0" in faults[0]


def test_no_server_and_one_too_many(network: Network) -> None:
    assert "no DHCP server answers" in asked(FILES, 1)["msg"]
    assert asked({}, 1)["faults"] == []
    network(*RIGHT)
    message = asked({}, 2)["msg"]
    assert "the DHCP server 198.18.78.1 answers here; two cannot serve one network" in message


def test_an_interface_that_is_not_there(network: Network) -> None:
    assert "cannot ask on the interface eth7: No such device" in asked(FILES, 1, "eth7")["msg"]
