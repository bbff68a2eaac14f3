"""Whatever a network sends is read, and taken for an offer only if it is one to us."""

from __future__ import annotations

import pytest
from ansible_collections.ictops.schools.plugins.modules import imaging_dhcp_check as check
from hypothesis import given
from hypothesis import strategies as st

MAC = b"\x02\0\0\0\0\x01"
US = b"abcd"


def answered(options: bytes, sname: bytes = b"", file: bytes = b"", siaddr: bytes = b"") -> bytes:
    """Give a DHCP server's frame with the options."""
    asked = check.discover(MAC, US, 7)
    message = bytearray(asked[42 : 42 + check.FIXED])
    message[0] = check.BOOT_REPLY
    message[20:24] = siaddr.ljust(4, b"\0")
    message[44:108] = sname.ljust(64, b"\0")
    message[108:236] = file.ljust(128, b"\0")
    ports = b"\0\x43\0\x44" + asked[38:42]
    return asked[:34] + ports + bytes(message) + check.COOKIE + options


def test_our_own_question_is_no_offer() -> None:
    asked = check.discover(MAC, US, 7)
    assert check.offer(asked, US) is None
    assert check.checksum(asked[14:34]) == 0
    assert b"PXEClient:Arch:00007:" in asked


def test_an_offer_to_somebody_else_is_none() -> None:
    frame = answered(b"\x35\x01\x02\xff")
    assert check.offer(frame, US) is not None
    assert check.offer(frame, b"dcba") is None
    assert check.offer(answered(b"\x35\x01\x05\xff"), US) is None


@pytest.mark.parametrize(
    ("frame", "next_server", "boot_file"),
    [
        (answered(b"\x35\x01\x02\xff", file=b"a.efi", siaddr=b"\x0a\0\0\x01"), "10.0.0.1", "a.efi"),
        (answered(b"\x35\x01\x02\x43\x05a.efi\xff"), "", "a.efi"),
        (answered(b"\x35\x01\x02\x43\x06a.efi\0\xff"), "", "a.efi"),
        (answered(b"\x35\x01\x02\x34\x01\x01\xff", file=b"\x43\x05a.efi\xff"), "", "a.efi"),
        (answered(b"\x35\x01\x02\x34\x01\x03\xff", sname=b"\x43\x05a.efi\xff"), "", "a.efi"),
    ],
)
def test_the_boot_file_is_found_where_it_may_stand(
    frame: bytes, next_server: str, boot_file: str
) -> None:
    found = check.offer(frame, US)
    assert found is not None
    assert (found["next_server"], found["boot_file"]) == (next_server, boot_file)


@given(st.binary(max_size=400))
def test_any_frame_is_read(data: bytes) -> None:
    assert check.offer(data, US) is None


@given(st.binary(max_size=400), st.integers(0, 700))
def test_any_options_are_read(options: bytes, cut: int) -> None:
    check.offer(answered(options)[:cut], US)
    check.offer(answered(b"\x35\x01\x02" + options), US)
