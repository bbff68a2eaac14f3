"""Talk to the boot server over HTTPS: its certificate must be of the CA that the agent carries."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire import said, strict

T = TypeVar("T")
_LARGEST = 2**24
"""Bytes of an answer."""
_NOT_YET_VALID = 9
"""X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL."""
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
_REFUSALS = {
    http.HTTPStatus.FORBIDDEN,
    http.HTTPStatus.NOT_FOUND,
    http.HTTPStatus.CONFLICT,
    http.HTTPStatus.BAD_REQUEST,
    http.HTTPStatus.UNAUTHORIZED,
}


class Session:
    """What is said between a claim and its end.

    :param url: such as ``https://boot.school``.
    :param ca: the file with the only certificate authority that is trusted.
    :param timeout: seconds for an answer.
    :param set_clock: called where a certificate is not valid yet, by this PC's clock.
    """

    def __init__(
        self,
        url: str,
        ca: Path,
        timeout: float = 10.0,
        rest: Callable[[float], None] = time.sleep,
        set_clock: Callable[[], object] = lambda: None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise JobFailed("server-gone", "a boot server is spoken to by https only", where=url)
        self._host, self._port, self._timeout = parts.hostname or "", parts.port or 443, timeout
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._token = ""
        self._rest = rest
        self._set_clock = set_clock
        self.url = url

    def claim(self, claim: said.Claim, patience: float) -> said.Claimed:
        """Ask for the job of this PC.

        :param patience: seconds that a server is waited for.
        :raises JobFailed: ``server-gone``; ``job-refused`` if there is none for this PC now.
        """
        claimed = self.ask("claim", claim, said.Claimed, patience)
        self._token = claimed.token
        return claimed

    def tell(self, path: str, message: Any, patience: float = 0.0) -> None:
        """Say something that needs no answer.

        :raises JobFailed: ``server-gone``; ``job-refused``.
        """
        self.ask(path, message, said.Answer, patience)

    def ask(self, path: str, message: Any, answer: type[T], patience: float = 0.0) -> T:
        """Say something, again and again until it is answered.

        :param message: a message of :mod:`ictops.imaging.wire.said`, or bytes as they are.
        :param patience: seconds; with none, it is tried once.
        :raises JobFailed: ``server-gone``; ``job-refused`` with the server's own words.
        """
        began, tries = time.monotonic(), 0
        while True:
            try:
                return self._once(path, message, answer)
            except (OSError, http.client.HTTPException, strict.NotAsAgreed) as error:
                if time.monotonic() - began >= patience:
                    raise JobFailed(
                        "server-gone",
                        f"it does not answer as agreed: {error}",
                        where=f"{self.url}/v1/{path}",
                        do="Look whether the boot server and its network are up",
                    ) from error
                if isinstance(error, ssl.SSLCertVerificationError) and (
                    error.verify_code == _NOT_YET_VALID
                ):
                    self._set_clock()
            self._rest(_WAITS[min(tries, len(_WAITS) - 1)])
            tries += 1

    def _once(self, path: str, message: Any, answer: type[T]) -> T:
        link = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=self._tls
        )
        plain = isinstance(message, bytes)
        headers = {"Content-Type": "application/octet-stream" if plain else "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            body = message if plain else strict.dumps(message)
            link.request("POST", f"/v1/{path}", body, headers)
            got = link.getresponse()
            data = got.read(_LARGEST)
        finally:
            link.close()
        if got.status in _REFUSALS:
            raise JobFailed("job-refused", _words(data, got.status), where=self.url)
        if got.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"HTTP {got.status}")
        return strict.loads(answer, data)


def _words(data: bytes, status: int) -> str:
    try:
        return strict.loads(said.Fault, data).fault
    except strict.NotAsAgreed:
        return f"the boot server refuses it (HTTP {status})"
