"""``python3 -m ictops.imaging.service``: runs until it is told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from ictops.imaging.service.desk import Desk
from ictops.imaging.service.drop import Drops
from ictops.imaging.service.grub import GrubFiles
from ictops.imaging.service.http import Server, admin_routes, agent_routes
from ictops.imaging.service.kept import Folder
from ictops.imaging.service.multicast import Multicast, Setting
from ictops.imaging.service.roots import Roots
from ictops.imaging.service.sender import Line
from ictops.imaging.service.sessions import Alone, Sessions
from ictops.imaging.service.waiting import Waiting

log = logging.getLogger(__name__)

TIDY_SECONDS = 5


def main(words: list[str] | None = None) -> int:
    """Answer agents and the administrator until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="ictops-imaging", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the folder of jobs is made here")
    parser.add_argument("--run", type=Path, required=True, help="agent.sock, admin.sock come here")
    parser.add_argument("--grub-jobs", type=Path, required=True, help="what TFTP has as grub/job/")
    parser.add_argument("--grub-template", type=Path, required=True, help="has @MAC@ in it")
    parser.add_argument("--tftp-roots", type=Path, help="where TFTP begins, by the clients' MACs")
    parser.add_argument("--tftp-tree", type=Path, help="what it has for those that may boot")
    parser.add_argument("--allowed-signers", type=Path, required=True, help="whose jobs are taken")
    parser.add_argument("--packs", type=Path, help="the folder of packs, to send them by multicast")
    parser.add_argument("--interface", help="where they are sent; without it, nothing is")
    parser.add_argument("--bits", type=int, default=0, help="a second at most, of each room")
    given = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.umask(0o077)  # a socket is nobody else's until it is said whose it is
    sessions: Sessions = Alone()
    if given.interface and given.packs:
        sessions = Multicast(Setting(Line(given.interface, given.bits), given.packs))
    waiting: list[Waiting] = [GrubFiles(given.grub_jobs, given.grub_template.read_text())]
    if given.tftp_roots and given.tftp_tree:
        waiting.append(Roots(given.tftp_roots, given.tftp_tree))
    desk = Desk(
        Folder(given.state / "jobs"),
        waiting,
        given.allowed_signers,
        sessions,
        Drops(given.state / "captured"),
    )
    servers = [
        Server(given.run / "agent.sock", 0o660, agent_routes(desk)),
        Server(given.run / "admin.sock", 0o600, admin_routes(desk)),
    ]
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    _say_ready()
    while not told.wait(TIDY_SECONDS):
        try:
            desk.tidy()
        except OSError:
            log.exception("this is tried again in %s s", TIDY_SECONDS)
    for server in servers:
        server.shutdown()
        server.server_close()
    sessions.stop()
    return 0


def _say_ready() -> None:
    """Tell systemd that requests are answered (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect(path.replace("@", "\0", 1) if path.startswith("@") else path)
            notify.sendall(b"READY=1")


if __name__ == "__main__":
    sys.exit(main())
