"""Files of an inventory that are broken, huge, or made to drown their reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ictops.errors import InventoryError
from ictops.estate.load import load_cluster
from ictops.estate.reading import MOST_BYTES, compose, load
from ictops.estate.source import read_source
from ictops.estate.variables import read_placed, variable_files

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

BAD = {
    "broken": (b"a: [\n", 2, "broken YAML"),
    "binary": (b"\x00\x01\xff", None, "broken YAML"),
    "latin": (b"name: Caf\xe9\n", None, "not UTF-8|broken YAML"),
    "itself": (b"a: &a {b: *a}\n", 1, "holds itself"),
    "bomb": (BOMB.encode(), 1, "its anchors unfold to"),
    "deep": (b"a: " + b"[" * 50_000, 1, "nesting depth"),
    "a list": (b"- a\n", 1, "is wanted here|are wanted here"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("read", [read_source, read_placed])
def test_the_file_and_line_are_named(tmp_path, name, read):
    content, line, says = BAD[name]
    path = tmp_path / "file.yml"
    path.write_bytes(content)
    with pytest.raises(InventoryError, match=says) as caught:
        read(path)
    assert caught.value.where.startswith(str(path))
    if line is not None:
        assert caught.value.where == f"{path}:{line}"


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for name, says in {
        "pipe": "no regular file",
        "folder": "Is a directory",
        "large": "34 MB",
        "none": "No such file",
    }.items():
        with pytest.raises(InventoryError, match=f"cannot be read: .*{says}"):
            read_source(tmp_path / name)


def test_one_bad_site_is_named_when_the_cluster_is_loaded(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "oakfield.yml").write_text(BOMB)
    with pytest.raises(InventoryError, match=r"oakfield\.yml:1: broken YAML: its anchors"):
        load_cluster(tmp_path / "demo", tmp_path / "cache")


def test_anchors_as_people_use_them():
    text = "a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n"
    assert load(text, yaml.CSafeLoader) == {
        "a": {"x": 1}, "b": [{"x": 1}, {"x": 1}], "c": {"x": 1, "y": 2},
    }  # fmt: skip
    assert compose("") is None
    assert load("# nothing\n", yaml.CSafeLoader) is None


def test_only_what_ansible_reads_counts_as_variables(tmp_path):
    names = ("main.yml", "b.yaml", "c.json", "bare", "deep/d.yml")
    others = ("README.md", ".hidden.yml", "old.yml~", "logo.png", "x.yml.bak")
    for name in (*names, *others):
        path = tmp_path / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")
    found = variable_files(tmp_path, "all")
    assert {str(path.relative_to(tmp_path / "all")) for path in found} == set(names)
    assert isinstance(found[0], Path)
