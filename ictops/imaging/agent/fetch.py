"""Fetch pieces from packs over HTTP: few large requests, taken up again where they broke off.

The content is not secret, and each piece's digest comes, by the index, from a signed manifest: so
plain HTTP does, and a piece that was changed on the way is fetched again.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.index import ImageIndex, Piece
from ictops.imaging.wire.words import digest_of

Deliver = Callable[[int, bytearray], None]
"""Takes a piece's number, and its bytes as stored."""


class Stopped(Exception):
    """Something else failed, and the work is given up."""


class _Unwell(Exception):
    """An answer that another try may better."""


class _Damaged(_Unwell):
    """A piece is not what the index says."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a server; seconds."""

    answer: float = 15.0
    """Without a byte on a connection that is open."""
    gone: float = 600.0
    """Without any byte."""
    waits: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
    """Between two tries; the last one goes on."""
    tries: int = 4
    """For what is damaged, or missing at the server."""
    largest_request: int = 32 * 2**20
    """Bytes."""


@dataclass(slots=True)
class _Run:
    """Pieces that lie one behind the other in a pack."""

    pack: int
    pieces: list[int]


class Source:
    """A server's files.

    :param url: such as ``http://boot.school``.
    """

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.patience = patience or Patience()
        self._heard = time.monotonic()
        self.stop = threading.Event()

    def small(self, path: str, largest: int, digest: str = "") -> bytes:
        """Fetch a whole file.

        :param digest: of its bytes, in hex; with none, whoever asks looks at it.
        :raises JobFailed: ``server-gone``; ``image-damaged`` if it is not there, or not as it is
            to be.
        """
        link = _Link(self)
        self._heard = time.monotonic()
        for _ in range(self.patience.tries):
            data = self._whole(link, path, largest)
            if not digest or digest_of(data).hex() == digest:
                return data
        raise _not_signed(path)

    def _whole(self, link: _Link, path: str, largest: int) -> bytes:
        while True:
            try:
                data = _read(link.ask(path), largest + 1)
            except (OSError, http.client.HTTPException, _Unwell) as error:
                link.rest(error, path)
                continue
            finally:
                link.close()
            if len(data) > largest:
                raise JobFailed("image-damaged", "it is larger than it may be", where=path)
            return data

    def pieces(
        self, index: ImageIndex, wanted: Sequence[int], deliver: Deliver, connections: int = 2
    ) -> list[Callable[[], None]]:
        """Give the works, each for a thread, that fetch these pieces.

        ``deliver`` is called from them, in the order in which pieces come.
        """
        runs: queue.SimpleQueue[_Run] = queue.SimpleQueue()
        for run in _runs(index, wanted, self.patience.largest_request):
            runs.put(run)
        self._heard = time.monotonic()

        def work() -> None:
            link = _Link(self)
            try:
                while True:
                    try:
                        run = runs.get_nowait()
                    except queue.Empty:
                        return
                    self._fetch(link, index, run, deliver)
            finally:
                link.close()

        return [work] * connections

    def _fetch(self, link: _Link, index: ImageIndex, run: _Run, deliver: Deliver) -> None:
        """Fetch a run, going on behind the last whole piece after each break."""
        pack = index.packs[run.pack].digest.hex()
        path = f"/packs/{pack[:2]}/{pack}"
        damaged = 0
        while run.pieces:
            first, last = index.pieces[run.pieces[0]], index.pieces[run.pieces[-1]]
            try:
                answer = link.ask(path, first.offset, last.offset + last.stored)
                while run.pieces:
                    data = self._piece(answer, index.pieces[run.pieces[0]])
                    deliver(run.pieces.pop(0), data)
                    damaged = link.misses = 0
                answer.read()
            except (OSError, http.client.HTTPException, _Unwell) as error:
                damaged += isinstance(error, _Damaged)
                if damaged >= self.patience.tries:
                    raise _not_signed(f"{path}, piece at byte {first.offset}") from error
                link.rest(error, path)

    def _piece(self, answer: http.client.HTTPResponse, piece: Piece) -> bytearray:
        data = bytearray(piece.stored)
        self._fill(answer, data)
        if digest_of(data) != piece.digest:
            raise _Damaged("a piece came damaged")
        return data

    def _fill(self, answer: http.client.HTTPResponse, data: bytearray) -> None:
        view = memoryview(data)
        while view:
            if self.stop.is_set():
                raise Stopped
            count = answer.readinto(view)
            if not count:
                raise _Unwell("the connection was cut")
            self._heard = time.monotonic()
            view = view[count:]

    def silent(self) -> float:
        """Give for how many seconds nothing has come."""
        return time.monotonic() - self._heard


class _Link:
    """A connection that is kept open, and opened again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: http.client.HTTPConnection | None = None
        self._rests = 0
        self.misses = 0

    def ask(self, path: str, begin: int = 0, end: int = 0) -> http.client.HTTPResponse:
        """Ask for a file, or for the part from ``begin`` to ``end``."""
        source = self._source
        if self._open is None:
            self._open = http.client.HTTPConnection(
                source.host, source.port, timeout=source.patience.answer
            )
        headers = {"Range": f"bytes={begin}-{end - 1}"} if end else {}
        self._open.request("GET", path, headers=headers)
        answer = self._open.getresponse()
        if answer.status in {404, 410, 416} or (end and answer.status == http.HTTPStatus.OK):
            self.misses += 1
            if self.misses >= source.patience.tries:
                whole = answer.status == http.HTTPStatus.OK
                why = "does not give parts of files" if whole else "does not have it"
                raise JobFailed(
                    "image-damaged",
                    f"the boot server {why} (HTTP {answer.status})",
                    where=path,
                    do="Publish the image to the boot server again",
                )
        if answer.status != (http.HTTPStatus.PARTIAL_CONTENT if end else http.HTTPStatus.OK):
            raise _Unwell(f"HTTP {answer.status}")
        if end and not (answer.headers["Content-Range"] or "").startswith(f"bytes {begin}-"):
            raise _Unwell("another part came than the one that was asked for")
        self._rests = 0
        return answer

    def rest(self, error: Exception, path: str) -> None:
        """Wait after a failed try, longer each time.

        :raises JobFailed: ``server-gone`` if nothing has come for too long.
        """
        self.close()
        patience = self._source.patience
        if self._source.silent() > patience.gone:
            raise JobFailed(
                "server-gone",
                f"nothing has come for {patience.gone:.0f} s: {error}",
                where=f"http://{self._source.host}:{self._source.port}{path}",
                do="Look whether the boot server and its network are up",
            ) from error
        wait = patience.waits[min(self._rests, len(patience.waits) - 1)]
        self._rests += 1
        if self._source.stop.wait(wait):
            raise Stopped

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _not_signed(where: str) -> JobFailed:
    return JobFailed(
        "image-damaged",
        "it is not what was signed",
        where=where,
        do="Verify the image on the control box, and publish it again",
    )


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    size = answer.length
    data = answer.read(most)
    if size is not None and len(data) < min(size, most):
        raise _Unwell("the connection was cut")
    return data


def _runs(index: ImageIndex, wanted: Sequence[int], largest: int) -> list[_Run]:
    """Join pieces that are neighbours in their pack, up to a size; in the index's order."""
    runs: list[_Run] = []
    size = 0
    end = (-1, -1)
    for number in sorted(wanted, key=lambda n: (index.pieces[n].pack, index.pieces[n].offset)):
        piece = index.pieces[number]
        if (piece.pack, piece.offset) == end and size + piece.stored <= largest:
            runs[-1].pieces.append(number)
            size += piece.stored
        else:
            runs.append(_Run(piece.pack, [number]))
            size = piece.stored
        end = (piece.pack, piece.offset + piece.stored)
    runs.sort(key=lambda run: run.pieces[0])
    return runs
