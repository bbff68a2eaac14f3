"""A boot server of the tests' own, in a room's namespace: dnsmasq, ictops' service, and a relay.

It stands in for the role imaging_server where a test is about PCs: no container, no nginx.
"""

from __future__ import annotations

import http.client
import http.server
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictops.imaging.images.signing import signing_of
from ictops.imaging.linux.authority import authority_of
from ictops.imaging.service.grub import HERE
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.state import Arm, JobState, Look
from ictops.lab.pcs.model import BRIDGE, Kernel, Pc, Room
from ictops.lab.pcs.network import within

START_SECONDS = 30.0
END_SECONDS = 10.0

GRUB = """\
set timeout=0
source $prefix/job/$net_default_mac.cfg
echo "There is no job."
if [ "$grub_platform" = efi ]; then
  if search --no-floppy --set=found --file /EFI/BOOT/BOOTX64.EFI; then
    set root=$found
    chainloader ($found)/EFI/BOOT/BOOTX64.EFI
    boot
  fi
else
  set root=hd0
  chainloader (hd0)+1
  boot
fi
exit
"""

ARGUMENTS = (
    "boot=ictops ictops.server=https://{server} ictops.mac={mac} quiet loglevel=3 panic=30 "
    "console=tty0 console=ttyS0"
)
JOB = """\
if linux /agent/vmlinuz {arguments}; then
  if initrd /agent/initrd.img; then boot; fi
fi
"""


class _Line(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def _post(socket_: Path, path: str, body: bytes, token: str = "") -> tuple[int, bytes]:
    line = _Line(socket_)
    line.request("POST", path, body, {"Authorization": token} if token else {})
    answer = line.getresponse()
    return answer.status, answer.read()


@dataclass(frozen=True)
class BootServer:
    """A boot server that runs; what it hands out can be changed meanwhile."""

    room: Room
    folder: Path
    key: Path
    """Signs jobs."""

    @property
    def tftp(self) -> Path:
        return self.folder / "tftp"

    def arm(self, job: Job, secret: str | None = None) -> None:
        text = strict.dumps(job)
        self._admin("/arm", Arm(text.decode(), sign(text, "ictops-job", self.key), secret))

    def look(self, job: Job) -> JobState:
        return strict.loads(JobState, self._admin("/look", Look(job.id)))

    def cancel(self, job: Job) -> None:
        self._admin("/cancel", Look(job.id))

    def _admin(self, path: str, message: Any) -> bytes:
        status, said = _post(self.folder / "run/admin.sock", path, strict.dumps(message))
        assert status == 200, said
        return said

    def asked(self) -> list[dict[str, Any]]:
        """Give what PCs said over HTTPS: path, message (of bytes how many), and when."""
        return _noted(self.folder / "asked")

    def answered(self) -> list[dict[str, Any]]:
        """Give what they were answered: path, answer, and when."""
        return _noted(self.folder / "answered")

    def kernel_for(self, pc: Pc) -> Kernel:
        """Give what a PC starts that has a job, as its GRUB would."""
        agent = self.tftp / "agent"
        arguments = ARGUMENTS.format(server=self.room.address, mac=pc.mac)
        return Kernel(agent / "vmlinuz", agent / "initrd.img", arguments)

    def log(self) -> str:
        """Give what the service said."""
        return (self.folder / "service.log").read_text()


def _noted(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _note(file: Path, **noted: Any) -> None:
    with file.open("a") as lines:
        lines.write(json.dumps({**noted, "at": time.time()}) + "\n")


def _certificate(authority: Path, folder: Path, address: str) -> None:
    """Make a boot server's certificate, as the role does."""
    key = authority.with_name("key.pem")
    words = (
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-keyout", "tls.key", "-out", "tls.crt", "-subj", "/CN=boot server",
        "-addext", f"subjectAltName=IP:{address}", "-addext", "basicConstraints=critical,CA:FALSE",
        "-CA", str(authority), "-CAkey", str(key),
    )  # fmt: skip
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@contextmanager
def boot_server(
    room: Room,
    folder: Path,
    imaging: Path,
    *,
    store: Path | None = None,
    multicast: Sequence[str] | None = None,
) -> Iterator[BootServer]:
    """Run a boot server in a room for as long as this lasts.

    :param folder: where it keeps what it has; is made.
    :param imaging: what the control box keeps: agent, authority, signing key and image store.
    :param store: another image store.
    :param multicast: more options of a service that sends to rooms; None if it does not.
    """
    signing, agent = signing_of(imaging), imaging / "agent"
    store = store or imaging / "store"
    found = BootServer(room, folder, signing.key)
    (found.tftp / "grub/job").mkdir(parents=True)
    for name in ("run", "roots"):
        (folder / name).mkdir()
    _certificate(authority_of(imaging), folder, str(room.address))
    (found.tftp / "agent").symlink_to(agent)
    for name in ("shimx64.efi", "grubx64.efi", "grub.0"):
        (found.tftp / name).symlink_to(agent / name)
    (found.tftp / "grub/grub.cfg").write_text(GRUB)
    arguments = ARGUMENTS.format(server=room.address, mac=HERE)
    (folder / "job.cfg").write_text(JOB.format(arguments=arguments))
    for name in ("asked", "answered"):
        (folder / name).touch()
    dnsmasq = (
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
        "--log-facility=-", f"--pid-file={folder / 'dnsmasq.pid'}", "--dhcp-authoritative",
        f"--dhcp-leasefile={folder / 'leases'}", f"--interface={BRIDGE}", "--bind-interfaces",
        f"--dhcp-range={room.network[100]},{room.network[200]},12h", "--no-ping",
        "--enable-tftp", f"--tftp-root={folder / 'roots'}", "--tftp-unique-root=mac",
        "--dhcp-match=set:efi,option:client-arch,7",
        f"--dhcp-boot=tag:efi,shimx64.efi,,{room.address}",
        f"--dhcp-boot=tag:!efi,grub.0,,{room.address}",
    )  # fmt: skip
    service: tuple[str, ...] = (
        sys.executable, "-m", "ictops.imaging.service", "--state", str(folder / "state"),
        "--run", str(folder / "run"), "--grub-jobs", str(found.tftp / "grub/job"),
        "--grub-template", str(folder / "job.cfg"),
        "--tftp-roots", str(folder / "roots"), "--tftp-tree", str(found.tftp),
        "--allowed-signers", str(signing.allowed),
    )  # fmt: skip
    if multicast is not None:
        service += ("--interface", BRIDGE, "--packs", str(store / "packs"), *multicast)
    relay = (sys.executable, "-m", __name__, str(room.address), str(folder), str(store))
    with ExitStack() as stack:
        for name, words in (("service", service), ("relay", relay), ("dnsmasq", dnsmasq)):
            stack.enter_context(_process(room, words, folder / f"{name}.log"))
        deadline = time.monotonic() + START_SECONDS
        while not ((folder / "run/admin.sock").exists() and (folder / "listens").exists()):
            assert time.monotonic() < deadline, "the boot server does not start"
            time.sleep(0.05)
        yield found


@contextmanager
def _process(room: Room, words: tuple[str, ...], log: Path) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(within(room, *words), stdout=said, stderr=said)
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()  # so that the service ends those that send for it
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _relay(folder: Path) -> type[http.server.BaseHTTPRequestHandler]:
    class Relay(http.server.BaseHTTPRequestHandler):
        """Passes on what agents say, and notes it."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            plain = self.headers.get("Content-Type") == "application/octet-stream"
            message = len(body) if plain else json.loads(body)
            _note(folder / "asked", path=self.path, message=message)
            token = self.headers.get("Authorization", "")
            status, said = _post(folder / "run/agent.sock", self.path, body, token)
            _note(folder / "answered", path=self.path, answer=json.loads(said))
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    return Relay


def _files(store: Path) -> type[http.server.BaseHTTPRequestHandler]:
    class Files(http.server.BaseHTTPRequestHandler):
        """Hands out files, and parts of them."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = store / self.path.lstrip("/")
            if ".." in self.path or not path.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            size = path.stat().st_size
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            first, last = (int(part[1]), int(part[2])) if part else (0, size - 1)
            self.send_response(206 if part else 200)
            self.send_header("Content-Length", str(last - first + 1))
            if part:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            with path.open("rb") as file:
                self.wfile.flush()
                self.connection.sendfile(file, first, last - first + 1)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Files


def main(address: str, folder: Path, store: Path) -> None:
    """Relay over HTTPS, and hand out files over HTTP, until this process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    secure = http.server.ThreadingHTTPServer((address, 443), _relay(folder))
    secure.socket = context.wrap_socket(
        secure.socket, server_side=True, do_handshake_on_connect=False
    )
    plain = http.server.ThreadingHTTPServer((address, 80), _files(store))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    (folder / "listens").touch()
    secure.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], *(Path(word) for word in sys.argv[2:4]))
