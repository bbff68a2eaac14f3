"""Programs that the agent runs, and what they say when they fail."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

_LAST = 600
"""Characters of a program's last words that a person is shown."""


class ToolFailed(Exception):
    """A program failed; says how."""


def run(*command: str, given: str = "", fine: Collection[int] = (0,)) -> str:
    """Run a program to its end, and give what it printed.

    :param fine: exit codes that are no failure.
    :raises ToolFailed: if it fails.
    """
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise ToolFailed(f"{command[0]} is not on this machine") from error
    if done.returncode not in fine:
        raise ToolFailed(_said(command, done.returncode, done.stderr or done.stdout))
    return done.stdout


@contextmanager
def feeding(*command: str) -> Iterator[IO[bytes]]:
    """Run a program that is fed by what the block writes; it ended well when this returns.

    :raises ToolFailed: if the program fails, also when it no longer takes what it is given.
    """
    with tempfile.TemporaryFile() as words, _started(command, words, stdin=True) as process:
        assert process.stdin is not None  # noqa: S101  (a pipe was asked for)
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended: its code and its words say why
        if process.wait():
            raise ToolFailed(_said(command, process.returncode, _read(words)))


@contextmanager
def reading(*command: str) -> Iterator[IO[bytes]]:
    """Run a program whose output the block reads as far as it likes; then it is ended.

    :raises ToolFailed: if it was read to its end, and the program had failed.
    """
    with tempfile.TemporaryFile() as words, _started(command, words, stdin=False) as process:
        assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
        try:
            yield process.stdout
        finally:
            if not process.stdout.read(1) and process.wait():
                # What it printed is then cut off, whatever the block made of it.
                raise ToolFailed(_said(command, process.returncode, _read(words)))


@contextmanager
def _started(
    command: Sequence[str], words: IO[bytes], *, stdin: bool
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if stdin else subprocess.PIPE,
        stderr=words,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # what was still to be written is for a program that has ended


def _read(words: IO[bytes]) -> str:
    words.seek(0)
    return words.read().decode(errors="replace")


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Give the last lines of what a program said, which mostly say why it failed."""
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return " / ".join(said[-3:]) or f"exit code {done.returncode}"


def _said(command: Sequence[str], code: int, words: str) -> str:
    last = " ".join(words.split())[-_LAST:]
    return f"{command[0]} ended with {code}: {last or 'it said nothing'}"
