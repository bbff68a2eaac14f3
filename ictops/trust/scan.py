"""Asking hosts for their SSH host keys, without logging in."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncssh

from ictops.trust.known_hosts import KnownHosts, address_of

ALGORITHMS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""A host has one key of each kind that it has at all; a switch may have only RSA."""
AT_ONCE = 50
SECONDS = 10.0
"""How long a host may take to show a key."""

State = Literal["pinned", "new", "changed", "revoked", "silent"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class HostKey:
    """One public key that a host showed."""

    line: str
    """``type base64``, as in known_hosts."""
    fingerprint: str
    """``SHA256:…``, as ssh-keygen prints it."""

    @property
    def kind(self) -> str:
        """The key's type, such as ``ssh-ed25519``."""
        return self.line.split()[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a host showed, beside what is pinned."""

    target: Target
    state: State
    keys: tuple[HostKey, ...]
    reason: str = ""
    """Why it is silent."""


def scan(targets: Iterable[Target], known: KnownHosts) -> list[Finding]:
    """Ask every host for its keys and compare them with those that are pinned.

    A host whose every key is pinned is ``pinned``; one that shows another key of a type
    that is pinned, or none of the pinned ones, has ``changed``. One that shows a key of a
    ``@revoked`` line is ``revoked``, whatever else is pinned.
    """

    async def scan_all() -> list[Finding]:
        room = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(_scan(target, known, room) for target in targets))

    return asyncio.run(scan_all())


async def _scan(target: Target, known: KnownHosts, room: asyncio.Semaphore) -> Finding:
    keys: list[HostKey] = []
    reason = "it shows no key of a type that is trusted"
    async with room:
        for algorithms in ALGORITHMS:
            try:
                keys.append(await asyncio.wait_for(_ask(target, algorithms), SECONDS))
            except TimeoutError:
                reason = f"no answer in {SECONDS:.0f} s"
                break
            except (ConnectionResetError, asyncssh.Error) as error:
                reason = str(error)  # an sshd hangs up like this if it has no such key
            # The last two come of a name or a port that no host can have.
            except (OSError, ValueError, OverflowError) as error:
                reason = str(error)
                break
    if not keys:
        return Finding(target, "silent", (), reason)
    address = address_of(target.address, target.port)
    pinned, revoked = known.pinned(address), known.revoked(address)
    return Finding(target, compare(keys, pinned, revoked), tuple(keys))


def compare(
    keys: Sequence[HostKey], pinned: Collection[str], revoked: Collection[str] = ()
) -> State:
    """Tell how the keys that a host shows stand to the pinned ones, and to the revoked ones."""
    if any(key.line in revoked for key in keys):
        return "revoked"
    if not pinned:
        return "new"
    types = {line.split()[0] for line in pinned}
    shown = [key for key in keys if key.kind in types]
    same = bool(shown) and all(key.line in pinned for key in shown)
    return "pinned" if same else "changed"


async def _ask(target: Target, algorithms: Sequence[str]) -> HostKey:
    key = await asyncssh.get_server_host_key(
        target.address, target.port, server_host_key_algs=algorithms, config=None
    )
    if key is None:
        raise asyncssh.KeyExchangeFailed("it shows no key")
    kind, encoded = key.export_public_key().decode().split()[:2]
    return HostKey(f"{kind} {encoded}", key.get_fingerprint())
