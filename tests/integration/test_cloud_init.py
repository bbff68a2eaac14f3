"""A real cloud-init reads the seed that a job brings, in an image that is made for it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ictops.imaging.images.debian import CLOUD_FILES, sources_of
from ictops.imaging.images.recipe import Recipe
from ictops.imaging.jobs import Target, Wanted, adapted
from ictops.imaging.wire.job import ImageRef
from tests.support.published import manifest

pytestmark = [pytest.mark.lab, pytest.mark.imaging]  # wants root and a mirror

HOST, MAC = "oak-it1-01", "02:00:00:00:00:01"
INCLUDED = "cloud-init,systemd-sysv,systemd-resolved,openssh-server,iproute2,python3"
BOOT = """
mount -t proc proc "$1/proc"
mount -t sysfs sysfs "$1/sys"
mount --bind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/run"
ip link set lo up
ip link add enp1s0 address 02:00:00:00:00:01 type veth peer name switch
for stage in "init --local" init "modules --mode=config" "modules --mode=final"; do
  chroot "$1" cloud-init $stage
done
hostname
"""
"""What its services do at a boot, one after the other."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian with cloud-init, and with the files that an image for it has."""
    root = tmp_path_factory.mktemp("cloud") / "root"
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=directory"]
    words += [f"--include={INCLUDED}", "bookworm", str(root), *sources_of(Recipe())]
    subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
         "--kill-child", "--mount-proc", *words],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(["chroot", root, "systemctl", "enable", "systemd-networkd"], check=True)
    for path, text in CLOUD_FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def boot(root: Path, job: str, wanted: Wanted) -> str:
    """Bring a seed, let cloud-init start, and give the host name that the machine then has."""
    target, image = Target(HOST, "oakfield", MAC), ImageRef("pc", "1", "ab" * 32)
    for file in adapted(target, manifest(seed="nocloud"), image, job, wanted).files:
        path = root / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(file.mode)
    done = subprocess.run(
        ["unshare", "--mount", "--uts", "--pid", "--net", "--fork", "--kill-child",
         "sh", "-ec", BOOT, "boot", root],
        check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def networks(root: Path) -> list[str]:
    folder = root / "etc/systemd/network"
    return [path.read_text() for path in folder.iterdir() if "cloud-init" in path.name]


def test_cloud_init_does_what_a_school_wants_of_it(system: Path) -> None:
    key = system / "etc/ssh/ssh_host_ed25519_key"
    for made in key.parent.glob("ssh_host_*"):
        made.unlink()  # an image has none
    key.write_text("made by the imaging agent\n")
    user_data: dict[str, Any] = {
        "timezone": "Europe/London",
        "write_files": [{"path": "/etc/school", "content": "oakfield\n"}],
        "runcmd": ["echo told > /etc/told"],
    }
    assert boot(system, "11111111-0000-4000-8000-000000000001", Wanted(user_data=user_data)) == HOST
    assert (system / "etc/school").read_text() == "oakfield\n"
    assert (system / "etc/told").read_text() == "told\n"
    assert (system / "etc/timezone").read_text() == "Europe/London\n"
    assert (system / "etc/hostname").read_text().strip() == HOST
    # Those that ictops has pinned and no others, and the network as the image has it.
    assert key.read_text() == "made by the imaging agent\n"
    assert [path.name for path in key.parent.glob("ssh_host_*")] == [key.name]
    assert networks(system) == []


def test_another_job_is_another_first_boot_and_may_bring_a_network(system: Path) -> None:
    network = yaml.safe_load(
        "{version: 2, ethernets: {enp1s0: {addresses: [192.0.2.7/24], "
        "routes: [{to: 0.0.0.0/0, via: 192.0.2.1}]}}}"
    )
    wanted = Wanted(
        user_data={"write_files": [{"path": "/etc/school", "content": "elm\n"}]}, network=network
    )
    boot(system, "11111111-0000-4000-8000-000000000002", wanted)
    assert (system / "etc/school").read_text() == "elm\n"
    (written,) = networks(system)
    assert "Address=192.0.2.7/24" in written
