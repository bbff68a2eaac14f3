"""Reading notify.yml: what it means, what is told of its faults, and that no secret is."""

from __future__ import annotations

import traceback
from datetime import time
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ictops.errors import NotifyError, TrustError
from ictops.notify.model import Quiet
from ictops.notify.read import read_notify

PASSWORD = b"a vault's password"
URL = "slack://T0K3N-one/T0K3N-two/T0K3N-three"
HEARTBEAT = "https://hc-ping.com/0000-S3CR3T"
WHOLE = f"""\
heartbeat: {HEARTBEAT}
heartbeat_every: 10
routes:
  - name: it-team
    url: {URL}
    severity: info
    summary: 17:30
    quiet: 21:00-07:00
    quiet_urgent: yes
  - name: oakfield
    url: mailto://x:y@mail.school.uk
    sites: [oakfield, elmtree]
    zone: Europe/Dublin
"""


def vaulted(text: str) -> str:
    sealed: bytes = VaultLib([("default", VaultSecret(PASSWORD))]).encrypt(text.encode())
    return sealed.decode()


def inline(text: str) -> str:
    lines = vaulted(text).splitlines()
    return "!vault |\n" + "".join(f"      {line}\n" for line in lines)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notify.yml"


def test_it_is_read(file: Path) -> None:
    file.write_text(WHOLE)
    notify = read_notify(file, lambda: None)
    team, oak = notify.routes
    assert team.url.get_secret_value() == URL
    assert (team.sites, team.severities) == (None, ("urgent", "warning", "info"))
    assert (team.summary, team.quiet) == (time(17, 30), Quiet(time(21), time(7)))
    assert (team.quiet_urgent, team.zone) == (True, "Europe/London")
    assert (oak.sites, oak.severities) == (("oakfield", "elmtree"), ("urgent", "warning"))
    assert (oak.summary, oak.quiet, oak.zone) == (time(7, 30), None, "Europe/Dublin")
    assert notify.heartbeat is not None
    assert (notify.heartbeat.get_secret_value(), notify.heartbeat_every) == (HEARTBEAT, 10)
    assert notify.route("oakfield") is oak
    assert notify.route("nobody") is None


def test_vaulted_values_and_a_vaulted_file_are_opened(file: Path) -> None:
    file.write_text(WHOLE)
    clear = read_notify(file, lambda: None)
    single = WHOLE.replace(f"{HEARTBEAT}\n", inline(HEARTBEAT)).replace(f"{URL}\n", inline(URL))
    assert URL not in single
    for text in (single, vaulted(WHOLE), vaulted(single)):
        file.write_text(text)
        assert read_notify(file, lambda: PASSWORD) == clear


def test_the_password_is_asked_for_only_where_something_is_vaulted(file: Path) -> None:
    def asked() -> bytes:
        pytest.fail("nothing is vaulted")

    file.write_text("")
    assert read_notify(file, asked).routes == ()


@pytest.mark.parametrize("text", [vaulted(WHOLE), f"heartbeat: {inline(HEARTBEAT)}"])
def test_what_cannot_be_opened_is_told(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(TrustError, match=r"notify\.yml.*settings name no password"):
        read_notify(file, lambda: None)
    with pytest.raises(TrustError, match=r"notify\.yml.*does not open"):
        read_notify(file, lambda: b"another")


ROUTE = f"routes:\n  - name: team\n    url: {URL}\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("routes: [\n  {name: a", 3, "broken YAML"),
        (f"heartbeat: {URL} : {URL}\n", 1, "broken YAML"),
        ("- a\n", 1, "notify.yml: a mapping is wanted"),
        ("a text that is S3CR3T\n", 1, "notify.yml: a mapping is wanted"),
        ("heartbeats: x\n", 1, "there is no key 'heartbeats'"),
        (f"\nheartbeat: {URL}\n", 2, "heartbeat: a heartbeat is an address that begins with"),
        ("heartbeat_every: 0\n", 1, "heartbeat_every: Input should be greater than or equal to 1"),
        ("routes:\n  - name: team\n", 2, "routes.0: 'url' is missing"),
        (f"routes:\n  - name: A b\n    url: {URL}\n", 2, "name has letters a-z"),
        (f"{ROUTE}    uri: {URL}\n", 4, "routes.0: there is no key 'uri'"),
        (f"{ROUTE}    severity: fatal\n", 4, "severity: Input should be 'urgent', 'warning'"),
        (f"{ROUTE}    sites: oakfield\n", 4, "sites is 'all', or a list of sites' codes"),
        (f"{ROUTE}    sites: []\n", 4, "sites is 'all', or a list of sites' codes"),
        (f"{ROUTE}    summary: 7:30\n", 4, "a time of day is written such as 07:30"),
        (f"{ROUTE}    quiet: 21:00\n", 4, "hours are written such as 21:00-07:00"),
        (f"{ROUTE}    quiet: 21:00-24:00\n", 4, "a time of day is written such as"),
        (f"{ROUTE}    quiet: 21:00-21:00\n", 4, "these hours begin when they end"),
        (f"{ROUTE}    quiet: 21:00-08:00\n", 2, "the daily summary falls into the quiet hours"),
        (f"{ROUTE}    zone: Europe/Oakfield\n", 4, "this is no time zone"),
        (f"{ROUTE}    zone: ../../etc/passwd\n", 4, "this is no time zone"),
        (f"{ROUTE}{ROUTE[8:]}", 1, "two routes are called team"),
        (f"{ROUTE}    sites: [oak]\n", 1, "one route needs 'sites: all'"),
        (f"routes: {URL}\n", 1, "routes: a list is wanted"),
        (f"routes:\n  - {URL}\n", 2, "routes.0: a mapping is wanted"),
    ],
)
def test_a_fault_is_told_with_its_line_and_without_any_secret(
    file: Path, text: str, line: int, told: str
) -> None:
    file.write_text(text)
    with pytest.raises(NotifyError) as raised:
        read_notify(file, lambda: None)
    assert raised.value.where == f"{file}:{line}"
    assert told in raised.value.what
    shown = "".join(traceback.format_exception(raised.value))
    assert "T0K3N" not in shown
    assert "S3CR3T" not in shown


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    with pytest.raises(NotifyError, match=r"cannot be read: No such file.*docs/notify\.md"):
        read_notify(file, lambda: None)
    file.write_bytes(b"heartbeat: \xff\xfe\n")
    with pytest.raises(NotifyError, match="not UTF-8"):
        read_notify(file, lambda: None)


def test_no_address_is_in_what_is_shown_of_it(file: Path) -> None:
    file.write_text(WHOLE)
    notify = read_notify(file, lambda: None)
    assert "T0K3N" not in repr(notify) + str(notify) + notify.model_dump_json()
    assert "S3CR3T" not in repr(notify) + str(notify) + notify.model_dump_json()


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("21:00-07:00", ["21:00", "23:59", "00:00", "06:59"], ["07:00", "12:00", "20:59"]),
        ("12:00-13:00", ["12:00", "12:59"], ["11:59", "13:00", "00:00"]),
    ],
)
def test_hours_may_go_over_midnight(hours: str, inside: list[str], outside: list[str]) -> None:
    quiet = Quiet(*(time.fromisoformat(part) for part in hours.split("-")))
    assert [one for one in inside + outside if time.fromisoformat(one) in quiet] == inside
