"""What stays on a host, tried with this machine's own Python in the place of a host's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.plugin_utils.resident import channel as channels
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.channel import (
    Channel,
    LostError,
    NotStartedError,
    PlainError,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.payload import (
    Module,
    read_module,
)

from tests.unit.resident.conftest import Build, said, start

ANSWERING = """
    import os
    from ansible.module_utils.basic import AnsibleModule
    module = AnsibleModule({"text": {"type": "str"}})
    before = os.environ.get("LEFT"), os.getcwd(), os.umask(0o77)
    os.environ["LEFT"] = "behind"
    os.chdir("/")
    module.exit_json(text=module.params["text"], before=list(before), pid=os.getpid())
"""
Make = Callable[..., Module]


def test_a_module_gets_its_arguments_and_its_answer_comes_back(
    channel: Channel, module: Make
) -> None:
    answer = channel.module(module(ANSWERING, text="Größe «ü» \u2028 {{ x }}"))
    assert (answer.rc, answer.stderr) == (0, b"")
    assert said(answer.stdout)["text"] == "Größe «ü» \u2028 {{ x }}"


def test_nothing_of_a_module_is_left_to_the_next_one(channel: Channel, module: Make) -> None:
    made = module(ANSWERING, text="x")
    answers = [said(channel.module(made).stdout) for _ in range(3)]
    assert answers[0]["before"] == answers[1]["before"] == answers[2]["before"]
    assert len({str(answer["pid"]) for answer in answers}) == 3


def test_a_command_that_has_ended_is_not_waited_for(channel: Channel, module: Make) -> None:
    waiting = """
        import selectors, time
        from ansible.module_utils import basic
        module = basic.AnsibleModule({})
        begun = time.monotonic()
        with basic.selectors.PollSelector() as none:  # as run_command does when all is closed
            none.select(5)
        took = time.monotonic() - begun
        rc, out, _err = module.run_command(["sh", "-c", "echo one; sleep 0.2; echo two"])
        module.exit_json(took=took, rc=rc, out=out, own=selectors.PollSelector.__name__)
    """
    answer = said(channel.module(module(waiting)).stdout)
    took = answer.pop("took")
    assert isinstance(took, float)
    assert took < 4
    assert {k: answer[k] for k in ("rc", "out", "own")} == {
        "rc": 0,
        "out": "one\ntwo\n",
        "own": "PollSelector",
    }


def test_it_is_what_a_fresh_python_would_have_said(
    channel: Channel, module: Make, build: Build
) -> None:
    script = build(ANSWERING, text="same")
    plain = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, check=True
    ).stdout
    found = read_module(script)
    assert found is not None
    ours, theirs = said(channel.module(found).stdout), said(plain)
    ours.pop("pid"), theirs.pop("pid")
    assert ours == theirs


@pytest.mark.parametrize(
    ("end", "rc", "stderr"),
    [
        ("import sys; sys.exit(3)", 3, b""),
        ("import sys; print('out'); sys.exit('a reason')", 1, b"a reason\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, b""),
        (
            "import atexit, os, sys; atexit.register(os.write, 2, b'at the end'); sys.exit(0)",
            0,
            b"at the end",
        ),
        (
            (
                "import os, threading; threading.Timer(0.2, os.write, (2, b'late')).start(); "
                "raise SystemExit"
            ),
            0,
            b"late",
        ),
    ],
)
def test_a_module_ends_as_it_would_in_a_python_of_its_own(
    channel: Channel, module: Make, end: str, rc: int, stderr: bytes
) -> None:
    answer = channel.module(module(f"    from ansible.module_utils.basic import *\n    {end}\n"))
    assert (answer.rc, answer.stderr) == (rc, stderr)
    assert channel.answers(patience=5)


def test_what_a_module_leaves_running_holds_nothing_up(channel: Channel, module: Make) -> None:
    source = """
        import subprocess
        from ansible.module_utils.basic import AnsibleModule
        module = AnsibleModule({})
        left = subprocess.Popen(["sleep", "60"])
        module.exit_json(pid=left.pid)
    """
    begun = time.monotonic()
    answer = channel.module(module(source))
    os.kill(int(str(said(answer.stdout)["pid"])), signal.SIGKILL)
    assert time.monotonic() - begun < 30


def test_a_big_answer_comes_whole(channel: Channel, module: Make) -> None:
    source = """
        from ansible.module_utils.basic import AnsibleModule
        AnsibleModule({}).exit_json(text="x" * 5_000_000)
    """
    assert len(str(said(channel.module(module(source)).stdout)["text"])) == 5_000_000


def test_a_python_unlike_the_controllers_gets_source(
    module: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAGIC", "of another Python")
    channel = start()
    try:
        assert said(channel.module(module(ANSWERING, text="source")).stdout)["text"] == "source"
    finally:
        channel.close()


def test_a_module_that_wants_another_python_goes_the_plain_way(
    channel: Channel, module: Make
) -> None:
    source = """
        from ansible.module_utils.basic import AnsibleModule
        from ansible.module_utils.common.respawn import respawn_module
        module = AnsibleModule({})
        respawn_module("/usr/bin/python3")
    """
    with pytest.raises(PlainError, match="another Python"):
        channel.module(module(source))
    assert channel.answers(patience=5)


def test_a_module_with_module_utils_of_its_own_goes_the_plain_way(
    channel: Channel, module: Make
) -> None:
    one = module(ANSWERING, text="x")
    channel.module(one)
    table = dict(one.payload.table)
    table["ansible.module_utils.basic"] = ("another digest", False)
    other = type(one.payload)(number=999, table=table, codes=one.payload.codes)
    with pytest.raises(PlainError, match="another version"):
        channel.module(type(one)(one.name, one.params, one.profile, one.rlimit, other))


def test_commands_and_files(channel: Channel, tmp_path: Path) -> None:
    target = tmp_path / "a file"
    channel.put(b"\0\xff bytes", str(target))
    assert target.read_bytes() == b"\0\xff bytes"
    answer = channel.shell("cat; echo out; echo err >&2; exit 7")
    assert (answer.rc, answer.stdout, answer.stderr) == (7, b"out\n", b"err\n")
    with pytest.raises(OSError, match="No such file"):
        channel.put(b"x", str(tmp_path / "none" / "file"))
    assert channel.shell("true").rc == 0


def test_a_login_that_prints_much_is_no_hindrance() -> None:
    noisy = start(by="yes 'Welcome! {{}}' | head -n 500; {}")
    assert noisy.shell("echo hello").stdout == b"hello\n"
    noisy.close()


@pytest.mark.parametrize(
    ("by", "rc", "said"),
    [
        ("echo 'no way in' >&2; exit 255", 255, "no way in"),
        ("exec yes nonsense", -9, ""),
        ("exec sleep 60", -9, ""),
    ],
)
def test_where_none_starts_the_reason_is_told(by: str, rc: int, said: str) -> None:
    with pytest.raises(NotStartedError) as error:
        Channel(["/bin/sh", "-c", by], channels.greeting(), patience=1)
    assert (error.value.rc, str(error.value)) == (rc, said)


def test_a_resident_that_is_gone_is_noticed() -> None:
    channel = start()
    assert channel.answers(patience=5)
    channel._process.kill()
    assert not channel.answers(patience=5)
    with pytest.raises(LostError):
        channel.shell("true")


def test_a_resident_that_says_nothing_is_not_waited_for() -> None:
    channel = start()
    channel._process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    assert not channel.answers(patience=0.5)
    assert time.monotonic() - begun < 10


def test_it_ends_with_its_controller(channel: Channel) -> None:
    channel._in.close()
    assert channel._process.wait(timeout=5) == 0
