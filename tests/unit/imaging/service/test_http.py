"""The two sockets, and what must not come through them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.service.http import AT_ONCE, Server, admin_routes, agent_routes
from tests.support.imaging import MAC, UUID, BootServer, claim

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["mac", "uuid", "hardware", "step", "done", "rate", "outcome", "keys", "id"]
)
NASTY = st.sampled_from([MAC, UUID, "../../etc/passwd", "a/../b", "fetching", "done", "\x00", "\n"])
NEAR = st.dictionaries(FIELDS, NASTY | JUNK)
AGENT = [
    *("claim", "progress", "host-keys", "secret", "ready", "have", "piece/x", "captured", "end"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootServer]:
    # Names of Unix sockets are short.
    boot = BootServer(tmp_path_factory.mktemp("s"), datetime.now(UTC))
    desk = boot.desk()
    servers = [
        Server(boot.root / "run" / "agent.sock", 0o660, agent_routes(desk)),
        Server(boot.root / "run" / "admin.sock", 0o600, admin_routes(desk)),
    ]
    for one in servers:
        threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
    yield boot
    for one in servers:
        one.shutdown()
        one.server_close()


def arm(server: BootServer, **more: Any) -> tuple[str, str]:
    """Arm a job and claim it; give its id and token."""
    job = server.job()
    assert server.say("admin", "/arm", asdict(server.signed(job, replace=True, **more))) == (
        200,
        {},
    )
    status, claimed = server.say("agent", "/v1/claim", asdict(claim()))
    assert status == 200
    return job.id, claimed["token"]


def test_a_job_from_arming_to_its_end(server: BootServer) -> None:
    name, token = arm(server, secret="x")
    said = {"step": "fetching", "done": 1, "total": 2}
    assert server.say("agent", "/v1/progress", said, token) == (200, {})
    assert server.say("agent", "/v1/secret", {}, token) == (200, {"secret": "x"})
    assert server.say("agent", "/v1/secret", {}, token) == (200, {"secret": "x"})
    status, session = server.say("agent", "/v1/ready", {"packs": []}, token)
    assert (status, session["unicast"]) == (200, "this boot server has no multicast")
    status, state = server.say("admin", "/wait", {"id": name, "seen": 0, "seconds": 1})
    assert (status, state["progress"]["done"]) == (200, 1)
    assert server.say("agent", "/v1/end", {"outcome": "done"}, token) == (200, {})
    assert server.say("agent", "/v1/secret", {}, token)[0] == 409
    assert server.say("admin", "/look", {"id": name})[1]["state"] == "ended"
    assert server.say("admin", "/cancel", {"id": name})[1]["state"] == "ended"


def test_an_agent_cannot_ask_what_only_the_administrator_may(server: BootServer) -> None:
    name, token = arm(server)
    for path in ("/arm", "/look", "/cancel", "/v1/look", "/v1/../look", "//look"):
        assert server.say("agent", path, {"id": name}, token)[0] == 404
    assert (server.root / "run" / "admin.sock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../" * 20, "é" * 43, "A" * 4000])
def test_a_token_that_is_nobodys(server: BootServer, token: str) -> None:
    arm(server)
    said = {"Authorization": f"Bearer {token}".encode()} if token else {}
    for path in AGENT[1:]:
        assert server.say("agent", f"/v1/{path}", {}, **said)[0] in {400, 401}  # type: ignore[arg-type]
    assert server.say("agent", "/v1/progress", {"step": "fetching"}, **said)[0] == 401  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 60000, 400),
        (b'{"mac": 1, "mac": 2}', 400),
        (b" " * (64 * 1024 + 1), 413),
        (json.dumps({"mac": "../../../x", "uuid": UUID}).encode(), 400),
    ],
)
def test_what_is_no_claim(server: BootServer, body: bytes, status: int) -> None:
    told, answer = server.say("agent", "/v1/claim", body)
    assert told == status
    assert answer["fault"]


@pytest.mark.parametrize(
    "mac",
    ["../" * 6 + "x", "52:54:00:00:00:01\n", "52:54:00:00:00:0G", "52-54-00-00-00-01",
     "52:54:00:00:00:01/../x", "", "\x00" * 17],
)  # fmt: skip
def test_a_mac_that_is_a_path(server: BootServer, mac: str) -> None:
    before = sorted(server.root.rglob("*"))
    said = asdict(claim()) | {"mac": mac}
    assert server.say("agent", "/v1/claim", said)[0] == 400
    assert sorted(server.root.rglob("*")) == before


@given(
    path=st.sampled_from(AGENT), body=st.binary() | (JUNK | NEAR).map(json.dumps).map(str.encode)
)
def test_any_words_of_an_agent_are_answered(server: BootServer, path: str, body: bytes) -> None:
    token = getattr(server, "token", None) or arm(server)[1]
    server.token = token  # type: ignore[attr-defined]
    status, answer = server.say("agent", f"/v1/{path}", body, token)
    assert status < 500, (status, answer)
    server.token = "" if path == "end" else token  # type: ignore[attr-defined]


@given(body=NEAR.map(json.dumps).map(str.encode), path=st.sampled_from(["arm", "look", "wait"]))
def test_any_words_of_the_administrator_are_answered(
    server: BootServer, path: str, body: bytes
) -> None:
    assert server.say("admin", f"/{path}", body)[0] < 500


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/claim HTTP/1.1\r\n\r\n",
        b"BREW /v1/claim HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /v1/claim HTTP/1.1\r\n\r\n",
        b"POST /v1/claim HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/claim HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /v1/claim HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /v1/claim HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /v1/claim HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"POST /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request(server: BootServer, request_: bytes) -> None:
    assert b'{"fault":' in raw(server, request_)
    arm(server)  # and the next one is served


def raw(server: BootServer, request: bytes, *, cut: bool = False) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(60)
        peer.connect(str(server.root / "run" / "agent.sock"))
        peer.sendall(request)
        if cut:
            peer.shutdown(socket.SHUT_WR)
        answer = b""
        while more := peer.recv(65536):
            answer += more
        return answer


def test_a_message_that_is_cut_off(server: BootServer) -> None:
    request = b"POST /v1/claim HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}"
    assert b"cut off" in raw(server, request, cut=True)


def test_peers_that_say_nothing_do_not_take_the_last_place_for_good(server: BootServer) -> None:
    peers = []
    try:
        for _ in range(AT_ONCE + 10):
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            peer.connect(str(server.root / "run" / "agent.sock"))
            peers.append(peer)
        assert peers[-1].recv(1) == b""  # those beyond are turned away at once
    finally:
        for peer in peers:
            peer.close()
    arm(server)
