"""Every command with every nonsense: a clear error, never a traceback, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from ictops.errors import Exit
from ictops.estate.reading import MOST_BYTES
from ictops.operations import planning

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
FILES = {
    "missing": ("No such file", None),
    "folder": ("Is a directory", None),
    "pipe": ("no regular file", None),
    "huge": ("more than 32 MB", None),
    "unreadable": ("Permission denied", None),
    "empty": ("", b""),
    "binary": ("UTF-8", bytes(range(256))),
    "bomb": ("unfold", BOMB.encode()),
    "deep": ("nesting depth", b"[" * 20_000),
    "text": ("", b"Dear all,\nplease find the plan attached.\n"),
    "broken": ("not", b"a: [\n"),
    "tagged": ("", b"a: !!python/object/apply:os.system [id]\n"),
    "twice": ("", b"a: 1\na: 2\n"),
}


@pytest.fixture
def files(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path.cwd() / "nonsense"
    (folder / "folder").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    with (folder / "huge").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for name, (_, content) in FILES.items():
        if content is not None:
            (folder / name).write_bytes(content)
    (folder / "unreadable").touch()
    opened = os.open

    def refuse(path, *rest, **more):
        if str(path).endswith("/unreadable"):  # root, who runs the tests, may read everything
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    return folder


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["plan show", "plan approve", "apply"])
def test_what_is_no_plan(files, typed, command, name):
    said = typed(*command.split(), f"nonsense/{name}", code=Exit.FAULTS)
    assert said.err.startswith(f"✗ nonsense/{name}")
    assert FILES[name][0] in said.err
    assert said.out == ""
    assert not (files.parent / "state" / "journal.db").exists() or command == "apply"


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_playbook(files, typed, name):
    said = typed("plan", "playbook", f"nonsense/{name}", "--in", "christmas", code=Exit.FAULTS)
    assert f"nonsense/{name}" in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", FILES)
def test_what_are_no_extra_vars(files, typed, name):
    words = ("plan", "playbook", "site.yml", "--in", "christmas", "-e", f"@nonsense/{name}")
    said = typed(*words, code=Exit.FAULTS)
    assert f"nonsense/{name}" in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", ["folder", "pipe", "huge", "binary", "bomb", "deep", "broken"])
@pytest.mark.parametrize("where", ["rowan.yml", "group_vars/site_rowan.yml", "host_vars/row-x.yml"])
def test_what_is_no_inventory(files, typed, name, where):
    place = files.parent / "inventories" / "demo" / where
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    (files / name).rename(place)
    checked = typed("inventory", "check")
    listed = typed("site", "list")
    shown = typed("site", "show", "oakfield")
    if where == "rowan.yml" or name not in {"folder", "pipe"}:
        assert checked.code == Exit.FAULTS
        assert f"demo/{where}" in checked.out
    if where == "rowan.yml" and name != "folder":
        for said in (listed, shown):
            assert said.code == Exit.FAULTS
            assert said.err.startswith(f"✗ {place}")


PLAN = ("plan", "playbook", "site.yml")
SPAN = ("--in", "christmas")
WORDS = {
    "a holiday that is none": ([*PLAN, "--in", "carnival"], "no holiday 'carnival'", "Christmas"),
    "no time at all": ([*PLAN], "a plan must know when", "october half-term"),
    "holiday and dates": ([*PLAN, *SPAN, "--until", "2030-01-01"], "not both", ""),
    "backwards": ([*PLAN, "--from", "2030-01-02", "--until", "2030-01-01"], "before it starts", ""),
    "no date": ([*PLAN, "--until", "next tuesday"], "no date or time", "2026-10-26"),
    "a far date": ([*PLAN, "--until", "9999-12-31"], "", ""),
    "a near miss": ([*PLAN, *SPAN, "--sites", "oakfeild"], "no site 'oakfeild'", "oakfield?"),
    "no site named": ([*PLAN, *SPAN, "--sites", ","], "", ""),
    "a code that leads out": ([*PLAN, *SPAN, "--sites", "../etc"], "no site '../etc'", ""),
    "a code with a blank": ([*PLAN, *SPAN, "--sites", "oak field"], "no site", "oakfield?"),
    "no host": ([*PLAN, *SPAN, "--limit", "nobody"], "matches no host", "site show"),
    "an empty limit": ([*PLAN, *SPAN, "--limit", "!all"], "matches no host", ""),
    "an odd limit": ([*PLAN, *SPAN, "--limit", "[", "--sites", "rowan"], "matches no host", ""),
    "an unknown canary": ([*PLAN, *SPAN, "--canary", "oak-it1-1"], "not among", "oak-it1-01"),
    "shares": ([*PLAN, *SPAN, "--shares", "60%,60%"], "more than 100%", ""),
    "no share": ([*PLAN, *SPAN, "--shares", "half"], "shares are written", ""),
    "a budget": ([*PLAN, *SPAN, "--site-failures", "-1"], "count or a share", ""),
    "a soak": ([*PLAN, *SPAN, "--soak", "a while"], "no length of time", "15m"),
    "a long soak": ([*PLAN, *SPAN, "--soak", "400d"], "longer than a year", ""),
    "no estimate": ([*PLAN, *SPAN, "--estimate", "0"], "longer than nothing", ""),
    "health": ([*PLAN, *SPAN, "--health", "none.yml"], "no such playbook", "software_health.yml"),
    "a variable": ([*PLAN, *SPAN, "-e", "port"], "no variable", "name=value"),
    "a template": ([*PLAN, *SPAN, "-e", "a={{lookup('pipe','id')}}"], "template", "plain value"),
    "nan": ([*PLAN, *SPAN, "-e", '{"a": NaN, "b": .nan}'], "not plain", ""),
    "an -o in no folder": ([*PLAN, *SPAN, "-o", "no/plan.yml"], "cannot be written", "-o"),
    "an -o that is a folder": ([*PLAN, *SPAN, "-o", "inventories"], "cannot be written", "-o"),
    "no version": (["plan", "rollout", "gimp", *SPAN], "NAME=VERSION", "hello"),
    "an odd version": (["plan", "rollout", "gimp=new", *SPAN], "no Debian version", "madison"),
    "an odd package": (["plan", "rollout", "_rm=1", *SPAN], "no package name", ""),
    "twice": (["plan", "rollout", "gimp=1", "gimp=2", *SPAN], "named twice", "one version"),
    "an unknown site": (["site", "show", "rowen"], "no site 'rowen'", "rowan?"),
    "an unknown host": (["inventory", "show", "oak-it1-1"], "no host", "oak-it1-01?"),
    "a calendar's site": (["calendar", "show", "--site", "x"], "no site 'x'", "site list"),
    "a cluster": (["site", "list", "--cluster", "dem"], "no such cluster", "demo"),
    "a cluster that leads out": (["site", "list", "--cluster", "../../x"], "no such cluster", ""),
    "a host elsewhere": (
        ["site", "trust", "rowan", "--host", "oak-srv-01"],
        "no host",
        "site show",
    ),
    "no run": (["run", "show", "k3w9ab"], "no such run", "run list"),
    "no logs": (["run", "logs", "\x1b[2J"], "no such run", "run list"),
    "pause what is not": (["run", "pause", "k3w9ab"], "no such run", "run list"),
    "cancel what is not": (["run", "cancel", "k3w9ab"], "no such run", "run list"),
    "resume what is not": (["run", "resume", "k3w9ab"], "no such run", "run list"),
    "approve what is not": (["run", "approve", "k", "--site", "rowan"], "no such run", "run list"),
    "no copies": (["journal", "restore", "--yes"], "no good copy", "journal copy"),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_that_make_no_sense(cluster, typed, name):
    words, what, do = WORDS[name]
    said = typed(*words)
    if not what:
        return  # sense can be made of it, or not: it only must not crash
    assert said.code in {Exit.ERROR, Exit.FAULTS}, said
    assert said.err.startswith("✗ "), said
    assert what in said.err
    assert do in said.err
    assert "\x1b" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("cluster = [", "not valid TOML"),
        ("colour = 1", "colour"),
        ("forks = 0", "forks"),
        ('strategy = "free"', "strategy"),
        ("[vault]\npassword = 'x'", "vault.password"),
        ('journal = "nonsense"', "journal"),
        ('journal = "nosuch://x"', "journal"),
        ('state_dir = "/proc/none"', "/proc/none"),
        ('inventories = "nowhere"', "no such cluster"),
    ],
)
def test_settings_that_make_no_sense(cluster, typed, setting, what):
    (Path.cwd() / "ictops.toml").write_text(setting + "\n")
    said = typed("plan", "playbook", "site.yml", "--in", "christmas")
    assert said.code in {Exit.ERROR, Exit.FAULTS}
    assert said.err.startswith("✗ ")
    assert what in said.err


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_journal_that_is_none(cluster, typed, content):
    (Path.cwd() / "state").mkdir()
    (Path.cwd() / "state" / "journal.db").write_bytes(content)
    for words in (["run", "list"], ["plan", "playbook", "site.yml", "--in", "christmas"], ["tick"]):
        said = typed(*words, code=Exit.ERROR)
        assert "the journal is damaged" in said.err
        assert "journal restore" in said.err
    assert (Path.cwd() / "state" / "journal.db").read_bytes() == content, "it is left as it is"


def test_a_journal_of_a_newer_ictops(cluster, typed):
    typed("run", "list", code=0)
    with sqlite3.connect(Path.cwd() / "state" / "journal.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    said = typed("run", "list", code=Exit.ERROR)
    assert "newer ictops" in said.err
    assert "Upgrade ictops" in said.err


def test_a_plan_that_is_not_for_now_or_here(plan, typed):
    text = plan.read_text()
    plan.write_text(text.replace("cluster: demo", "cluster: other"))
    for verb in (["plan", "show"], ["apply"]):
        said = typed(*verb, "plan.yml", code=Exit.FAULTS)
        assert "for cluster" in said.err
        assert "--cluster other" in said.err
    plan.write_text(text.replace("inventory: rowan.yml", "inventory: oakfield.yml"))
    said = typed("apply", "plan.yml", "--now", "--reason", "x", "--yes", code=Exit.FAULTS)
    assert "oakfield.yml is not the inventory of site rowan, which is rowan.yml" in said.err
    plan.write_text(text.replace("ictops_plan: 1", "ictops_plan: 2"))
    assert "newer ictops" in typed("apply", "plan.yml", code=Exit.FAULTS).err
    assert "--reason" in typed("apply", "plan.yml", "--now", code=Exit.USAGE).err
    assert typed("run", "list", "--json", code=0).out == "[]\n"


def test_who_is_nobody_in_the_system(plan, typed, monkeypatch):
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(planning.getpass, "getuser", nobody)
    monkeypatch.delenv("SUDO_USER", raising=False)
    said = typed("plan", "approve", "plan.yml", "--json", code=0)
    assert f'"by": "uid {os.getuid()}"' in said.out
