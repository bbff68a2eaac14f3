from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging import unattend
from ictops.imaging.unattend import Answers, UnattendError, render

NS = "{urn:schemas-microsoft-com:unattend}"
ANSWERS = Answers(host_name="LAB-07", administrator="ictops")
HOSTILE = '</RegisteredOrganization></component><component name="evil">&amp;<!-- ]]> "\''


def read(xml: str) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314


def passes(xml: str) -> dict[str, list[str]]:
    root = read(xml)
    return {
        one.attrib["pass"]: [part.attrib["name"] for part in one.findall(f"{NS}component")]
        for one in root.findall(f"{NS}settings")
    }


def test_each_setting_is_in_a_pass_that_runs() -> None:
    assert passes(render(ANSWERS)) == {
        "specialize": ["Microsoft-Windows-Shell-Setup", "Microsoft-Windows-Deployment"],
        "oobeSystem": ["Microsoft-Windows-International-Core", "Microsoft-Windows-Shell-Setup"],
    }


def test_a_domain_is_joined_by_account_data_alone() -> None:
    root = read(render(dataclasses.replace(ANSWERS, join=True)))
    path = f".//{NS}Identification/{NS}Provisioning/{NS}AccountData"
    assert root.findtext(path) == unattend.SECRET
    assert root.find(f".//{NS}Credentials") is None
    assert "AccountData" not in render(ANSWERS)


def test_a_hostile_name_is_a_name() -> None:
    xml = render(dataclasses.replace(ANSWERS, organization=HOSTILE))
    assert passes(xml) == passes(render(ANSWERS))
    assert read(xml).findtext(f".//{NS}RegisteredOrganization") == HOSTILE


@given(st.text(max_size=60))
def test_any_text_stays_in_its_place_or_is_refused(text: str) -> None:
    wanted = dataclasses.replace(ANSWERS, organization=text, time_zone=text or "UTC")
    try:
        root = read(render(wanted))
    except UnattendError:
        return
    # XML reads every line's end as one LF (XML 1.0, 2.11), unless it is written as a reference.
    found = root.findtext(f".//{NS}RegisteredOrganization") or ""
    assert found == text.replace("\r\n", "\n").replace("\r", "\n")
    assert len(list(root.iter(f"{NS}component"))) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"host_name": "LAB 07"},
        {"host_name": "a" * 16},
        {"host_name": "123"},
        {"host_name": "<x/>"},
        {"administrator": "Administrator"},
        {"administrator": 'x" /add'},
        {"locale": "en-GB<"},
        {"organization": "a\0b"},
        {"organization": unattend.SECRET},
        {"time_zone": f"x{unattend.RANDOM}"},
    ],
)
def test_what_windows_would_not_take_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(UnattendError):
        unattend.files(dataclasses.replace(ANSWERS, **change))


def test_what_is_written_is_tidied_up() -> None:
    files = {one.path: one.text for one in unattend.files(dataclasses.replace(ANSWERS, join=True))}
    last = files[unattend.COMPLETE]
    assert 'del /f /q "%SystemRoot%\\Panther\\unattend.xml"' in last
    assert "Reset-ComputerMachinePassword" in last
    assert "pnputil" in files[unattend.SPECIALIZE]
    assert sum(text.count(unattend.SECRET) for text in files.values()) == 1
    assert sum(text.count(unattend.RANDOM) for text in files.values()) == 1
