from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ictops.trust.redact import REPLACEMENT, SHORTEST, Redactor

ODD = "pÄss'wörd\\ \"7/+&%<€>"
KEY = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACBQ6Q
-----END OPENSSH PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        ascii,
        lambda s: repr(s.encode()),
        shlex.quote,
        json.dumps,
        lambda s: json.dumps(s, ensure_ascii=False),
        lambda s: json.dumps({"a": json.dumps({"b": s})}),
        lambda s: json.dumps(json.dumps(json.dumps([s]))),
        lambda s: yaml.safe_dump({"a": s}, allow_unicode=True),
        lambda s: quote(s, safe=""),
        quote_plus,
        lambda s: quote(s, safe="").lower(),
        lambda s: base64.b64encode(f"anna:{s}".encode()).decode(),
        lambda s: base64.b64encode(f"a:{s}\n".encode()).decode(),
        lambda s: base64.urlsafe_b64encode(f"an:{s}!".encode()).decode(),
        lambda s: s.encode().hex(),
        lambda s: s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        .replace('"', "&quot;").replace("'", "&#x27;"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("secret", [ODD, "canary-4711-wren", "correct horse battery"])
def test_however_it_is_written(secret, write):
    text = f"before {write(secret)} after"
    said = Redactor([secret]).text(text)
    assert REPLACEMENT in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    longest = max(secret.split(), key=len)
    for trace in (longest, longest[:6], longest[-6:], quote(longest), longest.encode().hex()[:10]):
        assert trace not in said


def test_a_secret_of_several_lines_is_hidden_line_by_line():
    redactor = Redactor([KEY])
    for text in (KEY, KEY.replace("\n", "\r\n"), json.dumps(KEY), "\n".join(KEY.split("\n")[1:3])):
        said = redactor.text(text)
        assert "b3Blb" not in said
        assert "QyNTUx" not in said
    assert redactor.text(KEY) == f"{REPLACEMENT}\n"


def test_a_text_that_was_folded_anew():
    redactor = Redactor(["correct horse battery staple", "a b-secret"])
    folded = yaml.safe_dump({"x": "word " * 12 + "correct horse battery staple"}, width=60)
    assert "horse" not in redactor.text(folded)
    assert "battery" not in redactor.text("correct\\n  horse\\r\\n\tbattery\n staple")
    assert "b-secret" not in redactor.text("a\n   b-secret")
    assert redactor.text("a\tb-secret") == REPLACEMENT


def test_secrets_that_overlap_or_hold_each_other():
    redactor = Redactor(["abcd1234", "1234wxyz", "1234", "abcd1234wxyz-long"])
    assert redactor.text("abcd1234wxyz") == REPLACEMENT
    assert redactor.text("abcd1234wxyz-long.") == f"{REPLACEMENT}."
    assert redactor.text("abcd1234abcd1234") == REPLACEMENT
    assert redactor.text("abcd 1234") == f"abcd {REPLACEMENT}"
    assert Redactor(["aaaa"]).text("aaaaaab") == f"{REPLACEMENT}b"


def test_what_is_too_short_is_left():
    assert Redactor(["", " ", "x", "abc", "  abc\n"]).text("x abc") == "x abc"
    assert Redactor(["a" * SHORTEST]).text("aaaa") == REPLACEMENT
    assert Redactor(["  wren\n"]).text("a wren") == f"a {REPLACEMENT}", "blanks around do not count"


def test_what_stands_beside_a_template():
    redactor = Redactor(["https://{{ user }}:geheim-77@db.example/{% if x %}y{% endif %}"])
    said = redactor.text("https://anna:geheim-77@db.example/y https://other.example")
    assert "geheim-77" not in said
    assert "https://other.example" in said


def test_numbers_and_truth():
    redactor = Redactor(["4711", "True", "0.25"])
    assert redactor.scalar(4711) == REPLACEMENT
    assert redactor.scalar(47110) == 47110
    assert redactor.scalar(0.25) == REPLACEMENT
    assert redactor.scalar(True) is True
    assert redactor.scalar(None) is None
    assert redactor.scalar("pin 4711") == f"pin {REPLACEMENT}"


def test_words_that_a_run_is_steered_by_are_spared():
    assert Redactor(["deferred", "wren-12"], spared={"deferred"}).text("deferred") == "deferred"


def test_half_a_secret_is_not_left_by_a_cut():
    redactor = Redactor(["canary-4711-wren", "short"])
    for most in range(5, 40):
        said = redactor.text("0123456789canary-4711-wren and more", most)
        assert "canar" not in said
        assert "-wren" not in said
    assert redactor.text("0123456789", 4) == "0123"
    many = redactor.text("short " * 100 + "canary-4711-wren", 605)
    assert many == f"{REPLACEMENT} " * 100 + REPLACEMENT


@given(
    secrets=st.lists(st.text(min_size=SHORTEST, max_size=12), max_size=6),
    around=st.text(max_size=30),
)
def test_no_secret_is_ever_left(secrets, around):
    redactor = Redactor(secrets)
    text = around.join(["", *secrets, ""])
    said = redactor.text(text)
    for secret in secrets:
        bare = secret.strip()
        if len(bare) >= SHORTEST and not set(bare) & set(REPLACEMENT):
            assert bare not in said


@given(st.text(max_size=50))
def test_without_secrets_nothing_is_changed(text):
    assert Redactor([]).text(text) == text
    assert Redactor(["\x00never\x00"]).text(text) == text
