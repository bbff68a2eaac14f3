"""What the agent takes from its kernel's command line."""

from __future__ import annotations

from ictops.imaging.agent.start import booted_by, kernel_words, options_of

LINE = "quiet boot=ictops BOOTIF=01-02-1C-00-00-00-01 ictops.server=https://boot panic=30 ip=dhcp"


def test_a_boot_server_is_told_and_its_files_are_beside_it() -> None:
    options = options_of(LINE)
    assert (options.server, options.bulk) == ("https://boot", "http://boot")
    assert options_of(f"{LINE} ictops.bulk=http://files").bulk == "http://files"


def test_the_kernel_that_a_pc_keeps_is_told_what_stays_true() -> None:
    assert options_of(LINE).arguments == ("ictops.server=https://boot", "panic=30")


def test_the_card_that_a_pc_booted_by_is_known() -> None:
    assert booted_by(kernel_words(LINE)) == "02:1c:00:00:00:01"
    assert booted_by(kernel_words(f"{LINE} ictops.mac=02:1c:00:00:00:02")) == "02:1c:00:00:00:02"
    assert booted_by({}) == ""


def test_a_pc_that_knows_no_boot_server_asks_a_name_that_is_nobodys() -> None:
    assert options_of("boot=ictops ictops.local=1").bulk == "http://boot-server.invalid"
