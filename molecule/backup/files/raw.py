#!/usr/bin/python3
"""Speak to a repository as restic does, below restic: METHOD PATH [FILE]; prints the status.

rclone speaks HTTP/2 over ssh's own channel: a socket is bridged to it, and curl asks.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

SSH = ["ssh", "-F", "/etc/ictops-backup/ssh_config", "backup-server", "serve"]


def bridge(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    server = subprocess.Popen(SSH, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def up() -> None:
        while data := connection.recv(65536):
            server.stdin.write(data)
            server.stdin.flush()
        server.kill()

    threading.Thread(target=up, daemon=True).start()
    while data := server.stdout.read1(65536):
        connection.sendall(data)


def main() -> None:
    method, path, *file = sys.argv[1:]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=bridge, args=(listening,), daemon=True).start()
        sent = ["--data-binary", f"@{file[0]}"] if file else []
        address = f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
        subprocess.run(
            ["curl", "--silent", "--max-time", "60", "--http2-prior-knowledge", "--request", method,
             "--output", "/dev/null", "--write-out", "%{http_code}", *sent, address],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
