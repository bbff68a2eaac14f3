from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from ictops.errors import ImageError
from ictops.imaging.agent import used
from ictops.imaging.linux import build as module
from ictops.imaging.linux.build import BOOT_FILES, CARRIED, build, built
from ictops.imaging.wire.words import digest_of

FAKE = """#!{python}
import os, pathlib, shlex, sys
hooks = [word.split("=", 1)[1] for word in sys.argv if word.startswith("--customize-hook=")]
staged = pathlib.Path(shlex.split(hooks[0])[1])
if os.environ.get("FAIL"):
    sys.exit("E: one\\nE: two\\nE: no such package")
for path in sorted(staged.rglob("*")):
    print(path.relative_to(staged))
out = pathlib.Path(shlex.split(hooks[-1])[2], "out")
out.mkdir()
for name in {files!r}:
    (out / name).write_text(name)
(out / "packages").write_text("zstd 1.5\\nlinux-image-amd64 6.1.1-1\\n")
(staged.parent.parent / "seen").write_text("\\n".join(
    str(path.relative_to(staged)) for path in sorted(staged.rglob("*")) if path.is_file()))
"""


@pytest.fixture
def trust(tmp_path: Path) -> dict[str, Path]:
    found = {"ca": tmp_path / "ca.crt", "signers": tmp_path / "signers"}
    for path in found.values():
        path.write_text("who is trusted\n")
    return found


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for what takes a minute and a mirror; the real one is tried in integration."""
    program = tmp_path / "bin/mmdebstrap"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable, files=BOOT_FILES))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_what_was_built_is_described_and_replaces_what_was_there(
    tmp_path: Path, trust: dict[str, Path], mmdebstrap: None
) -> None:
    folder = tmp_path / "imaging/agent"
    folder.mkdir(parents=True)
    (folder / "old").touch()
    made = build(folder, **trust)
    assert made.kernel == "6.1.1-1"
    assert made.files["vmlinuz"].digest == digest_of(b"vmlinuz").hex()
    assert built(folder) == made
    assert {path.name for path in folder.iterdir()} == {*BOOT_FILES, "agent.json"}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["agent", "seen"]


def test_a_pc_carries_what_the_agent_imports_and_nothing_else(
    tmp_path: Path, trust: dict[str, Path], mmdebstrap: None
) -> None:
    build(tmp_path / "imaging/agent", **trust)
    seen = (tmp_path / "imaging/seen").read_text().splitlines()
    code = [name for name in seen if name.startswith("ictops/")]
    assert "ictops/imaging/agent/__main__.py" in code
    assert all(name.removeprefix("ictops/").startswith(CARRIED) for name in code)
    assert not any("__pycache__" in name for name in code)
    assert {"trust/ca.crt", "trust/allowed_signers", "initramfs/hook"} <= set(seen)
    package = Path(module.__file__).parents[2]
    for name in code:
        for wanted in _imported(package.parent / name):
            path = wanted.replace(".", "/")
            assert {f"{path}.py", f"{path}/__init__.py"} & set(code), f"{name} imports {wanted}"


def _imported(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    found = {one.module for one in tree if isinstance(one, ast.ImportFrom) and one.module}
    return {name for name in found if name.split(".")[0] == "ictops"}


def test_a_build_that_fails_says_why_and_leaves_what_was_there(
    tmp_path: Path, trust: dict[str, Path], mmdebstrap: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "imaging/agent"
    before = build(folder, **trust)
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(ImageError, match="no such package"):
        build(folder, **trust)
    assert built(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["agent", "seen"]


@pytest.mark.parametrize("which", ["ca", "signers"])
def test_an_agent_that_would_trust_nobody_is_not_built(
    tmp_path: Path, trust: dict[str, Path], mmdebstrap: None, which: str
) -> None:
    trust[which].write_text("")
    with pytest.raises(ImageError, match="trust nobody"):
        build(tmp_path / "agent", **trust)
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize("spoil", ["missing", "short", "no json", "none"])
def test_what_is_not_whole_was_not_built(
    tmp_path: Path, trust: dict[str, Path], mmdebstrap: None, spoil: str
) -> None:
    folder = tmp_path / "imaging/agent"
    if spoil != "none":
        build(folder, **trust)
    match spoil:
        case "missing":
            (folder / "vmlinuz").unlink()
        case "short":
            (folder / "initrd.img").write_text("")
        case "no json":
            (folder / "agent.json").write_text("[]")
    with pytest.raises(ImageError, match="ictops image agent"):
        built(folder)


def programs_of(code: str) -> set[str]:
    """Give what code may run: the first words of lists and calls that are programs here."""
    firsts: list[ast.expr] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.List | ast.Tuple):
            firsts += node.elts[:1]
        elif isinstance(node, ast.Call):
            firsts += node.args[:1]
    words = {one.value for one in firsts if isinstance(one, ast.Constant)}
    return {one for one in words if isinstance(one, str) and shutil.which(one)}


def test_every_program_that_the_agent_runs_is_in_its_linux() -> None:
    folder = Path(module.__file__).parents[1]
    runs = set(used.PARTCLONE.values())
    for file in (folder / "agent").glob("*.py"):
        runs |= programs_of(file.read_text())
    assert {"lowntfs-3g", "sfdisk", "losetup"} < runs
    runs -= {"reboot", "w", "id", "ictops"}  # a word for reboot(2), a mode, a key, and a folder
    runs -= {one for one in runs if re.fullmatch(r"m(type|dir|deltree|copy|md|showfat)", one)}
    carried = (folder / "linux/initramfs/hook").read_text().split()
    assert runs <= set(carried), runs - set(carried)
    places = {one: shutil.which(one) for one in runs}
    scripts = [one for one, at in places.items() if at and Path(at).read_bytes()[:2] == b"#!"]
    assert not scripts, "the agent's Linux has no shell but a small one"
