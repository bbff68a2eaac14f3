from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ictops.imaging.wire.signature import SIGNER, SignatureWrong, sign, verify


def key(folder: Path, name: str) -> Path:
    made = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made)]
    subprocess.run(command, check=True)
    (folder / f"{name}.allowed").write_text(f"{SIGNER} {(folder / f'{name}.pub').read_text()}")
    return made


def test_only_what_was_signed_by_the_key_for_the_purpose_is_taken(tmp_path: Path) -> None:
    ours, theirs = key(tmp_path, "ours"), key(tmp_path, "theirs")
    allowed = tmp_path / "ours.allowed"
    signed = sign(b"job", "ictops-job", ours)
    verify(b"job", signed, "ictops-job", allowed)
    for data, signature, namespace in (
        (b"jobs", signed, "ictops-job"),
        (b"job", signed, "ictops-image"),
        (b"job", sign(b"job", "ictops-job", theirs), "ictops-job"),
        (b"job", "", "ictops-job"),
    ):
        with pytest.raises(SignatureWrong):
            verify(data, signature, namespace, allowed)


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SignatureWrong, match="does not sign"):
        sign(b"job", "ictops-job", tmp_path / "none")
