"""Wake-on-LAN: a magic packet to hosts that were switched off, before they are tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import ip_network

from wakeonlan import send_magic_packet

from ictops.estate.models import Site

log = logging.getLogger(__name__)


def wake(macs: Iterable[str], site: Site) -> None:
    """Send a magic packet for each MAC to the broadcast address of each of the site's subnets.

    A packet that cannot be sent is logged: the host is tried all the same.
    """
    subnets = site.variables.get("site_subnets")
    targets = list(macs)
    for subnet in subnets if isinstance(subnets, list) else []:
        network = ip_network(str(subnet), strict=False)
        if network.version == 6 or not targets:  # noqa: PLR2004 - IPv6 has no broadcast
            continue
        try:
            send_magic_packet(*targets, ip_address=str(network.broadcast_address))
        except OSError as error:
            log.warning("no wake-on-LAN at %s (%s): %s", site.code, network, error)
