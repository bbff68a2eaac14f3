"""Get a file by TFTP (RFC 1350) and print its size and its beginning: tftp.py SERVER FILE."""

import socket
import sys

DATA = 512
"""Bytes of a packet after its head; the last has fewer."""
ERROR = 5

server, name = sys.argv[1:]
got = b""
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.settimeout(10)
    peer.sendto(b"\0\x01" + name.encode() + b"\0octet\0", (server, 69))
    whole = False
    while not whole:
        packet, sender = peer.recvfrom(1024)
        if packet[1] == ERROR:
            sys.exit(packet[4:-1].decode())
        peer.sendto(b"\0\x04" + packet[2:4], sender)
        got += packet[4:]
        whole = len(packet) < 4 + DATA
sys.stdout.write(f"{len(got)} {got[:600].decode('ascii', 'replace')}\n")
