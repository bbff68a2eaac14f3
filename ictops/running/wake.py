"""Wake-on-LAN: a magic packet to hosts that were switched off, before they are tried again."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterable
from ipaddress import ip_network

from ictops.estate.models import Site

log = logging.getLogger(__name__)

MAC_BYTES = 6


def wake(macs: Iterable[str], site: Site, port: int = 9) -> None:
    """Send a magic packet for each MAC to the broadcast address of each of the site's subnets.

    A packet that cannot be sent is logged: its host is tried all the same.

    :param port: of UDP; network cards look for the packet whatever it is sent to.
    """
    targets = list(macs)
    subnets = site.variables.get("site_subnets")
    for subnet in subnets if isinstance(subnets, list) else []:
        for mac in targets:
            try:
                network = ip_network(str(subnet), strict=False)
                if network.version == 4:  # noqa: PLR2004 - IPv6 has no broadcast
                    _broadcast(magic_packet(mac), str(network.broadcast_address), port)
            except (OSError, ValueError) as error:
                log.warning("no wake-on-LAN to %s at %s (%s): %s", mac, site.code, subnet, error)


def magic_packet(mac: str) -> bytes:
    """Give what wakes the card with this MAC (AMD's white paper 20213).

    :raises ValueError: if it is no MAC.
    """
    number = bytes.fromhex(re.sub(r"[:.-]", "", mac))
    if len(number) != MAC_BYTES:
        raise ValueError(f"{mac} is no MAC")
    return b"\xff" * MAC_BYTES + number * 16


def _broadcast(packet: bytes, address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(packet, (address, port))
