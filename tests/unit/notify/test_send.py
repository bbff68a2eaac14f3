"""Messages and heartbeats to a real mail server and a real web server."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.errors import NotSent
from ictops.notify import send as sending
from ictops.notify.heartbeat import beat
from ictops.notify.send import is_known, secrets_of, send
from tests.support.services import Mail, Web

TOKEN = "T0K3N-of-the-team"


@pytest.fixture
def mail() -> Iterator[Mail]:
    with Mail().running() as mail:
        yield mail


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().running() as web:
        yield web


def refused(url: str) -> str:
    """Give why a message is not sent, as it would be shown, with a traceback."""
    with pytest.raises(NotSent) as raised:
        send(url, "title", "text")
    assert raised.value.__cause__ is None
    shown = "".join(traceback.format_exception(raised.value))
    assert TOKEN not in shown
    return raised.value.what


def test_mail_is_taken_word_for_word(mail: Mail) -> None:
    send(mail.url, "ictops demo: <b>", "URGENT:\n- a <script> & b\n\né\N{SNOWMAN}", urgent=True)
    (got,) = mail.got
    assert (got["Subject"], got["From"], got["To"]) == (
        "ictops demo: <b>", "ictops@school.uk", "head@school.uk",
    )  # fmt: skip
    assert got.get_content_type() == "text/plain"
    assert got.get_content().strip().splitlines() == [
        "URGENT:", "- a <script> & b", "", "é\N{SNOWMAN}",
    ]  # fmt: skip
    assert mail.to == [["head@school.uk"]]


def test_html_mail_has_the_text_escaped(mail: Mail) -> None:
    send(f"{mail.url}&format=html", "title", "- a <script> & b")
    (got,) = mail.got
    body = got.get_body(("html",))
    assert body is not None
    assert "<script>" not in body.get_content()
    assert "&lt;script&gt;" in body.get_content()


def test_a_web_service_is_told_and_no_picture_is_fetched_from_elsewhere(web: Web) -> None:
    send(f"json://{web.place}/{TOKEN}", "title", "text", urgent=True)
    (asked,) = web.asked
    assert asked.path == f"/{TOKEN}"
    said = json.loads(asked.body)
    assert (said["title"], said["message"], said["type"]) == ("title", "text", "failure")
    assert "github" not in asked.body


def test_mail_that_is_refused_is_told_without_the_password(mail: Mail) -> None:
    secret = mail.password
    sealed = base64.b64encode(f"\0ictops\0{secret}".encode()).decode()
    mail.refuse = f"554 5.7.1 not from {secret.upper()}, nor from {secret} by {sealed}"
    why = refused(mail.url)
    assert "5.7.1 not from" in why
    for hidden in (secret, secret.upper(), sealed, mail.user):
        assert hidden not in why


def test_a_wrong_password_is_told(mail: Mail) -> None:
    why = refused(mail.url.replace(mail.password, TOKEN))
    assert "credentials invalid" in why


@pytest.mark.parametrize("code", [401, 404, 500, 503])
def test_a_web_service_that_says_no_is_told(web: Web, code: int) -> None:
    web.answer = code
    assert f"error={code}" in refused(f"json://user:{TOKEN}@{web.place}/{TOKEN}?+X-Key={TOKEN}")


def test_a_server_that_is_away_is_told() -> None:
    with Mail().running() as mail, Web().running() as web:
        urls = [mail.url, f"json://{web.place}/{TOKEN}", f"json://{web.place}/{TOKEN}?retry=3"]
    for url in urls:
        assert "refused" in refused(url)


def test_what_an_address_asks_for_cannot_make_a_failure_a_success(web: Web) -> None:
    web.answer = 500
    refused(f"json://{web.place}/{TOKEN}?optional=yes&retry=5&wait=1")
    assert len(web.asked) == 1


def test_a_service_that_never_answers_is_given_up(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 1)
    let_go = threading.Event()
    web.then = lambda: bool(let_go.wait(30)) and None
    assert refused(f"json://{web.place}/{TOKEN}?rto=20") != ""
    let_go.set()


@pytest.mark.parametrize(
    "url", ["", "nonsense", f"foo://{TOKEN}", f"slack://{TOKEN}/short", "mailto://"]
)
def test_an_address_of_no_known_kind_is_told(url: str) -> None:
    assert not is_known(url)
    assert "apprise does not know this kind of address" in refused(url)


DOCUMENTED = re.findall(
    r"`(\w+://\S+)`", (Path(__file__).parents[3] / "docs" / "notify.md").read_text()
)


@pytest.mark.parametrize("url", DOCUMENTED)
def test_each_address_of_the_documentation_is_of_a_known_kind(url: str) -> None:
    slack = {"TOKEN_A": "T1JJ3T3L2", "TOKEN_B": "A1BRTD4JD", "TOKEN_C": "TIiajkdnlazkcOXrIdevi7FQ"}
    for word, token in slack.items():
        url = url.replace(word, token)
    assert is_known(url)


def test_the_documentation_has_addresses() -> None:
    kinds = {url.partition("://")[0] for url in DOCUMENTED}
    assert {"mailto", "mailtos", "workflows", "slack", "jsons"} <= kinds


def test_a_mail_server_that_wants_no_login_gets_none() -> None:
    with Mail(login=False).running() as mail:
        send(f"mailto://{mail.place}?from=ict@school.uk&to=office@school.uk", "title", "text")
    assert mail.to == [["office@school.uk"]]


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://ictops:p@smtp.school.uk?to=a@school.uk",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ict",
        "ntfy://ntfy.sh/school",
        "workflows://prod-1.westeurope.logic.azure.com:443/643e69f83c8944438/KODuebWbDGYFr0z0eu",
    ],
)
def test_an_address_of_a_known_kind_is_known_and_nothing_is_sent(url: str) -> None:
    assert is_known(url)


def test_nothing_of_an_address_is_in_any_log(
    web: Web, mail: Mail, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own
    caplog.set_level(logging.DEBUG)
    before = [logging.getLogger(name).level for name in ("apprise", "urllib3")]
    urls = [f"json://u:{TOKEN}@{web.place}/{TOKEN}?+X={TOKEN}", mail.url, f"{TOKEN}://{TOKEN}"]
    for answer in (200, 500):
        web.answer = answer
        mail.refuse = "" if answer == 200 else "554 no"
        for url in urls:
            try:
                send(url, "title", "text")
            except NotSent as error:
                assert TOKEN not in str(error)  # noqa: PT017 - either may be
            is_known(url)
    captured = capfd.readouterr()
    said = caplog.text + captured.out + captured.err
    assert TOKEN not in said
    assert mail.password not in said
    assert [logging.getLogger(name).level for name in ("apprise", "urllib3")] == before
    logging.getLogger("apprise").warning("as before")
    assert "as before" in caplog.text


def test_the_secrets_of_an_address_are_all_of_its_parts() -> None:
    found = secrets_of("json://user%40x:pa%2Fss@host.uk:8080/tok%20en/More?to=Ann&key=v%C3%A9")
    assert {"user%40x", "user@x", "pa/ss", "host.uk", "tok en", "more", "MORE", "8080"} <= found
    assert "json" not in found
    assert "to=Ann&key=v%C3%A9" in found


def test_the_heartbeat_says_that_all_is_well_or_not(web: Web) -> None:
    beat(f"http://{web.place}/{TOKEN}", failing=False)
    beat(f"http://{web.place}/{TOKEN}/?rid=1", failing=True)
    assert [(one.method, one.path) for one in web.asked] == [
        ("GET", f"/{TOKEN}"), ("GET", f"/{TOKEN}/fail?rid=1"),
    ]  # fmt: skip


def unbeaten(url: str) -> str:
    with pytest.raises(NotSent) as raised:
        beat(url, failing=True)
    shown = "".join(traceback.format_exception(raised.value))
    assert TOKEN not in shown
    return raised.value.what


def test_a_heartbeat_that_cannot_be_sent_is_told_without_its_address(web: Web) -> None:
    for code in (404, 500):
        web.answer = code
        assert f"the monitor says {code}" in unbeaten(f"http://{web.place}/{TOKEN}")
    with Web().running() as away:
        pass
    assert "refused" in unbeaten(f"http://{away.place}/{TOKEN}")
    assert "could not be sent" in unbeaten(f"http://no.such.host.invalid/{TOKEN}")
    assert "could not be sent" in unbeaten(f"http://x:y/{TOKEN}")
    assert "could not be sent" in unbeaten(f"http://{web.place}/{TOKEN} \r\nX: y")


def test_a_heartbeat_follows_nobody_elsewhere(web: Web) -> None:
    web.answer = 302
    assert "the monitor says 302" in unbeaten(f"http://{web.place}/{TOKEN}")
    assert len(web.asked) == 1
