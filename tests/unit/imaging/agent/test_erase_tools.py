"""The real nvme-cli and hdparm know every option that is used, so the stand-ins are no fiction.

They are let loose on a plain file, which both refuse once they have read their options.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ictops.imaging.agent import ata, nvme
from ictops.imaging.agent.method import Refused, version_of

EINVAL = 22


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    return str(path)


def said(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ["id-ctrl", "--output-format=binary"],
        ["sanitize-log", "--output-format=binary"],
        *(["sanitize", *options] for _bit, options in nvme.ACTIONS.values()),
        ["format", "--ses=1", f"--timeout={nvme.FORMAT_TIMEOUT}", "--force"],
    ],
)
def test_nvme_cli_knows_the_options(file: str, words: list[str]) -> None:
    done = said("nvme", words[0], file, *words[1:])
    assert done.returncode
    assert "unrecognized option" not in done.stderr
    assert "not a block or character device" in done.stderr
    assert "unrecognized option" in said("nvme", words[0], file, "--nonsense").stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--Istdout"],
        ["-N"],
        ["--sanitize-status"],
        [ata.SURE, "--sanitize-block-erase"],
        [ata.SURE, "--sanitize-crypto-scramble"],
        [ata.SURE, "--sanitize-overwrite-passes", "1", "--sanitize-overwrite", "hex:00000000"],
        ["--user-master", "u", "--security-set-pass", ata.PASSWORD],
        ["--user-master", "u", "--security-erase", ata.PASSWORD],
        ["--user-master", "u", "--security-erase-enhanced", ata.PASSWORD],
    ],
)
def test_hdparm_knows_the_options(file: str, words: list[str]) -> None:
    assert said("hdparm", *words, file).returncode != EINVAL
    assert said("hdparm", "--nonsense", *words, file).returncode == EINVAL


def test_what_is_no_drive_is_refused_by_both(file: str) -> None:
    with pytest.raises(Refused, match="not a block or character device"):
        nvme.offer(file, "SN", lambda _share: None, lambda _seconds: None)
    with pytest.raises(Refused, match="does not say what it is"):
        ata.identify(file)
    with pytest.raises(Refused, match="hidden"):
        ata.hidden_sectors(file)


def test_they_say_their_versions() -> None:
    assert version_of("nvme", "version").startswith("nvme version ")
    assert version_of("hdparm", "-V").startswith("hdparm v")
