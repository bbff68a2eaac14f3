import re
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ictops.network.clean import (
    MASK,
    Mask,
    is_whole,
    lines_of,
    masked,
    normalised,
    settings_of,
)
from ictops.network.platform import Platform, Secret, load_platform, platform_names
from tests.support.shown import shown_by

NAMES = platform_names()
KEY = Mask(b"a key of these tests")


def cleaned(name: str, text: str, mask: Mask = KEY) -> list[str]:
    platform = load_platform(name)
    return masked(platform, normalised(platform, text), mask)


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_left(name):
    shown = shown_by(name)
    before = "\n".join(normalised(load_platform(name), shown.running))
    assert len(shown.secrets) == len(set(shown.secrets))
    assert [secret for secret in shown.secrets if secret not in before] == []
    after = "\n".join(cleaned(name, shown.running))
    assert [secret for secret in shown.secrets if secret in after] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_secrets_is_masked(name):
    """Every mark stands for one of the listed secrets, so that no setting goes missing."""
    shown = shown_by(name)
    marks = {KEY.of(secret) for secret in shown.secrets}
    after = cleaned(name, shown.running)
    found = {mark for line in after for mark in re.findall(r"<secret(?::[^>]*)?>", line)}
    assert found - marks == set()
    assert marks - found == set()
    assert [line for line in shown.kept if line not in after] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_secret_shows_and_the_same_one_does_not(name):
    platform, shown = load_platform(name), shown_by(name)
    text = "\n".join(normalised(platform, shown.running))
    before = masked(platform, text.split("\n"), KEY)
    for secret in shown.secrets:
        other = secret.translate(str.maketrans("aeio0123456789AE", "eaoi1234567890EA"))
        assert other != secret
        after = masked(platform, text.replace(secret, other).split("\n"), KEY)
        changed = [line for line, then in zip(after, before, strict=True) if line != then]
        assert changed, secret
        assert not any(other in line for line in changed), secret
    assert masked(platform, text.split("\n"), KEY) == before


@pytest.mark.parametrize("name", NAMES)
def test_other_keys_make_other_marks(name):
    running = shown_by(name).running
    assert cleaned(name, running) != cleaned(name, running, Mask(b"another key"))


@pytest.mark.parametrize("name", NAMES)
def test_masking_twice_changes_nothing(name):
    once = cleaned(name, shown_by(name).running)
    assert masked(load_platform(name), once, KEY) == once


@pytest.mark.parametrize("name", NAMES)
def test_volatile_lines_are_gone(name):
    shown = shown_by(name)
    for text, volatile in shown.volatile.items():
        before = shown.texts[text].splitlines()
        assert [line for line in volatile if line not in before] == []
        after = normalised(load_platform(name), shown.texts[text])
        assert [line for line in volatile if line in after] == []
        # and no others: what is left is all the rest
        left = [line for line in lines_of(shown.texts[text]) if line and line not in volatile]
        if load_platform(name).continued is None:
            assert [line for line in after if line] == left


@pytest.mark.parametrize("name", NAMES)
def test_an_unchanged_switch_looks_the_same_later(name):
    shown = shown_by(name)
    assert shown.running != shown.texts["running-later"]
    assert cleaned(name, shown.running) == cleaned(name, shown.texts["running-later"])


@pytest.mark.parametrize("name", [name for name in NAMES if "startup" in shown_by(name).texts])
def test_a_saved_configuration_sets_what_the_running_one_does(name):
    platform, shown = load_platform(name), shown_by(name)
    running, startup = (
        settings_of(platform, normalised(platform, shown.texts[one]))
        for one in ("running", "startup")
    )
    assert running == startup
    assert len(running) > 40


def test_settings_are_indented_as_deep_as_their_blocks():
    lines = ["!x", "vlan database", "vlan 20", "exit", "configure", "interface 0/1", "routing"]
    assert settings_of(load_platform("netgear_prosafe"), [*lines, "exit", "", "exit"]) == [
        "vlan database",
        " vlan 20",
        "configure",
        " interface 0/1",
        "  routing",
    ]


def test_a_setting_that_each_daemon_shows_is_one():
    lines = ["service a", "ip b", "service a", "interface c", " mtu 1", "exit", "interface c", " d"]
    assert settings_of(load_platform("frr"), lines) == [
        "service a",
        "ip b",
        "interface c",
        " mtu 1",
        "interface c",
        " d",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_configuration_is_known_as_one(name):
    platform, shown = load_platform(name), shown_by(name)
    for text in ("running", "running-later"):
        lines = normalised(platform, shown.texts[text])
        assert re.search(platform.whole, lines[-1])
        assert is_whole(platform, lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_off_configuration_is_known_as_one(name):
    platform, shown = load_platform(name), shown_by(name)
    lines = normalised(platform, shown.running)
    unseen = [
        cut for cut in range(len(lines)) if is_whole(platform, lines[:cut]) and any(lines[cut:])
    ]
    assert len(unseen) == shown.unseen_cuts
    assert all(cut > len(lines) / 4 for cut in unseen)
    assert not is_whole(platform, [])


@pytest.mark.parametrize("name", NAMES)
def test_refusals_are_known_and_what_looks_like_them_is_none(name):
    platform, shown = load_platform(name), shown_by(name)
    assert len(shown.refused) >= 4
    assert len(shown.harmless) >= 4
    assert [line for line in shown.refused if not platform.refuses(line)] == []
    assert [line for line in shown.harmless if platform.refuses(line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_configuration_has_a_line_that_looks_like_a_refusal(name):
    platform, shown = load_platform(name), shown_by(name)
    lines = [line for text in shown.texts.values() for line in text.splitlines()]
    assert [line for line in lines if platform.refuses(line)] == []


@pytest.mark.parametrize("ends", ["\r\n", "\n\r", "\r\r\n"])
@pytest.mark.parametrize("name", NAMES)
def test_however_lines_end_they_are_the_same(name, ends):
    running = shown_by(name).running
    assert cleaned(name, running.replace("\n", ends)) == cleaned(name, running)


# A terminal, a pager and a person's description


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("one\ntwo\n", ["one", "two", ""]),
        ("one\r\n\r\ntwo", ["one", "", "two"]),
        ("one\rtwo", ["one", "two"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("\x1b[24;1H\x1b[2Khost# \x1b[?25h", ["host#"]),
        ("\x9b1mbold\x9b0m", ["bold"]),
        ("\x1b]0;title\x07name", ["name"]),
        ("\x1b]0;title\x1b\\name", ["name"]),
        ("\x1bP1$r\x1b\\name", ["name"]),
        ("\x1b(Bname\x1b=", ["name"]),
        ("one\x1bEtwo", ["one", "two"]),
        ("--More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08vlan 20", ["vlan 20"]),
        ("--More-- or (q)uit\x08 \x08exit", ["exit"]),
        ("\x08", [""]),
        ("description caf\u00e9 \u6559\u5ba4", ["description caf\u00e9 \u6559\u5ba4"]),
        ("description a\x07b", [r"description a\x07b"]),
        ("description a\u202eb\u200bc", [r"description a\u202eb\u200bc"]),
        ("description a\u2028b\x0bc\x0cd\x85e", [r"description a\u2028b\x0bc\x0cd\x85e"]),
        ("description \udc80", [r"description \udc80"]),
        ("name\tvalue", ["name    value"]),
        ("\x1b", [r"\x1b"]),
        ("\x1b\x1b[0m[31mred", [r"\x1b[31mred"]),
        ("trailing   ", ["trailing"]),
    ],
)
def test_lines_are_printable_and_nothing_is_hidden_in_them(said, lines):
    assert lines_of(said) == lines


CHARACTERS = st.one_of(st.characters(), st.sampled_from('\x1b\x9b[]m\r\n\x08\x07\x85\u2028"\\$:/ '))


@given(st.text(CHARACTERS))
@example("\x1b[\x1b[0m31m")
@example("\x1b]\x1b]0;\x07x")
def test_whatever_comes_in_no_control_character_comes_out(text):
    for line in lines_of(text):
        assert line.isprintable()
        assert len(line.splitlines()) <= 1


@given(st.text(CHARACTERS), st.sampled_from(NAMES))
def test_whatever_comes_in_is_cleaned_once_and_for_all(text, name):
    once = cleaned(name, text)
    assert all(line.isprintable() for line in once)
    assert masked(load_platform(name), once, KEY) == once
    assert normalised(load_platform(name), "\n".join(once)) == once or _joins_again(name, once)


def _joins_again(name: str, lines: list[str]) -> bool:
    """Say whether two lines became one that is volatile or goes on in the next."""
    platform = load_platform(name)
    return platform.continued is not None or any(platform.volatile_line.match(x) for x in lines)


WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=6
)


@given(WORD.filter(lambda word: not word.startswith("<secret")))
@example("7")
@example("$9$abc")
@example("secret")
def test_whatever_a_secret_is_it_is_masked(word):
    lines = [
        f"snmp-server community {word} RO",
        f"enable secret {word}",
        f"username u privilege 15 secret 9 {word}",
        f"snmp-server user u g v3 auth sha {word} priv aes 128 x{word}",
    ]
    after = masked(load_platform("cisco_ios"), lines, KEY)
    assert after == [
        f"snmp-server community {KEY.of(word)} RO",
        f"enable secret {KEY.of(word)}",
        f"username u privilege 15 secret 9 {KEY.of(word)}",
        f"snmp-server user u g v3 auth sha {KEY.of(word)} priv aes 128 {KEY.of('x' + word)}",
    ]


# Private keys

BODY = ["MIIEowIBAAKCAQEAx3gQv0Zk", "9d1yTqB7sYcHnE5mWfLr0aKp"]
PEM = [
    "crypto key import",
    "-----BEGIN RSA PRIVATE KEY-----",
    "Proc-Type: 4,ENCRYPTED",
    *BODY,
    "-----END RSA PRIVATE KEY-----",
    "hostname sw",
]
IOS = load_platform("cisco_ios")


def test_a_private_key_is_masked_over_all_its_lines():
    after = masked(IOS, PEM, KEY)
    assert after == [*PEM[:2], KEY.of("".join(PEM[2:5])), *PEM[5:]]
    assert masked(IOS, after, KEY) == after


def test_a_private_key_in_one_line_is_masked():
    line = f'x "-----BEGIN PRIVATE KEY-----\\n{BODY[0]}\\n-----END PRIVATE KEY-----\\n"'
    (after,) = masked(IOS, [line], KEY)
    assert BODY[0] not in after
    assert after.startswith('x "-----BEGIN PRIVATE KEY-----<secret:')
    assert masked(IOS, [after], KEY) == [after]


def test_a_private_key_that_was_cut_off_is_masked_to_the_end():
    after = masked(IOS, PEM[:4], KEY)
    assert after == [*PEM[:2], KEY.of(PEM[2] + PEM[3])]
    assert masked(IOS, after, KEY) == after


def test_a_certificate_is_no_secret():
    lines = ["-----BEGIN CERTIFICATE-----", *BODY, "-----END CERTIFICATE-----"]
    assert masked(IOS, lines, KEY) == lines


def test_a_password_in_a_url_is_masked_wherever_it_is():
    (after,) = masked(IOS, ["archive path scp://copy:h3ron@192.0.2.1//cfg"], KEY)
    assert after == f"archive path scp://copy:{KEY.of('h3ron')}@192.0.2.1//cfg"


def test_an_address_with_a_port_is_no_password():
    lines = ["url http://192.0.2.1:8080/a@b", "url https://[2001:db8::1]:443/x"]
    assert masked(IOS, lines, KEY) == lines


# The mask and the model


def test_a_mark_is_one_word_that_does_not_tell_the_secret():
    mark = KEY.of("public")
    assert mark == KEY.of("public")
    assert len({mark, KEY.of("private"), Mask(b"x").of("public"), KEY.of("")}) == 4
    assert " " not in mark
    assert "public" not in mark


def test_a_secret_that_is_salted_anew_has_no_mark_of_its_own():
    platform = _with(Secret(pattern="^set psk ENC {secret}", salted_anew=True))
    lines = ["set psk ENC aaaa1111", "set psk ENC bbbb2222"]
    assert masked(platform, lines, KEY) == [f"set psk ENC {MASK}"] * 2
    assert masked(platform, [f"set psk ENC {MASK}"], KEY) == [f"set psk ENC {MASK}"]


def test_a_secret_can_be_one_only_within_a_block():
    platform = _with(Secret(pattern="^ +key {secret}", within="^radius server "))
    lines = ["radius server a", " key 4711", "key chain b", " key 1"]
    assert masked(platform, lines, KEY) == [lines[0], f" key {KEY.of('4711')}", *lines[2:]]


def test_a_quoted_secret_keeps_its_quotes_and_has_the_mark_of_the_bare_one():
    platform = _with(Secret(pattern="^key {secret}"))
    lines = ['key "two words" more', 'key "a\\"b"', "key bare", 'key "bare"', 'key "unclosed']
    assert masked(platform, lines, KEY) == [
        f'key "{KEY.of("two words")}" more',
        f'key "{KEY.of(chr(97) + chr(92) + chr(34) + chr(98))}"',
        f"key {KEY.of('bare')}",
        f'key "{KEY.of("bare")}"',
        f"key {KEY.of(chr(34) + 'unclosed')}",
    ]


def test_lines_that_go_on_are_joined_before_a_secret_is_looked_for():
    platform = _with(Secret(pattern="^/user .*?password={secret}"), continued=r"\\")
    text = '/user add name=a \\\r\n    password="her\\\r\n    on" group=full\r\n/end'
    lines = normalised(platform, text)
    assert lines == ['/user add name=a password="heron" group=full', "/end"]
    assert masked(platform, lines, KEY)[0].count("heron") == 0


def test_a_last_line_that_goes_on_is_kept_as_far_as_it_came():
    assert normalised(_with(continued=r"\\"), "/a b=c \\") == ["/a b=c "]


def test_blank_lines_at_both_ends_are_dropped_and_others_kept():
    assert normalised(IOS, "\n\nhostname a\n\nend\n\n\n") == ["hostname a", "", "end"]


def _with(*secrets: Secret, continued: str | None = None) -> Platform:
    return Platform.model_validate(
        {**IOS.model_dump(), "secrets": secrets, "volatile": (), "continued": continued}
    )


def test_cleaning_is_fast():
    """A thousand switches of 600 lines must take seconds: here one, without what it learnt."""
    times = {}
    for name in NAMES:
        text = _long(shown_by(name).running)
        cleaned(name, text)
        began = process_time()
        cleaned(name, text)
        times[name] = process_time() - began
    assert max(times.values()) < 0.1, times  # a few milliseconds; a hundred means something is odd


def _long(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines * (600 // len(lines) + 1))
