from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from ictops.imaging.linux.authority import authority_of


def test_there_is_one_authority_and_its_key_is_nobody_elses(tmp_path: Path) -> None:
    certificate = authority_of(tmp_path / "imaging")
    first = certificate.read_bytes()
    assert authority_of(tmp_path / "imaging") == certificate
    assert certificate.read_bytes() == first
    key = certificate.with_name("key.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "imaging").iterdir()] == ["ca"]


def test_it_signs_a_boot_server_also_for_a_pc_with_a_wrong_clock(tmp_path: Path) -> None:
    authority = authority_of(tmp_path)
    leaf = tmp_path / "leaf.pem"
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    signed = ("-CA", str(authority), "-CAkey", str(authority.with_name("key.pem")))
    more = ("-addext", "basicConstraints=critical,CA:FALSE", "-subj", "/CN=boot", "-days", "9")
    keyout = ("-keyout", str(tmp_path / "leaf.key"), "-out", str(leaf))
    openssl(*new, *signed, *more, *keyout)
    openssl("verify", "-x509_strict", "-CAfile", str(authority), str(leaf))
    long_ago = ("-attime", "1009843200")  # 2002
    openssl("verify", "-CAfile", str(authority), *long_ago, str(authority))


def openssl(*words: str) -> None:
    done = subprocess.run(("openssl", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
