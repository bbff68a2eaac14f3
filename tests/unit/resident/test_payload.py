from __future__ import annotations

import json

import pytest
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.payload import read_module

from tests.unit.resident.conftest import Build

SOURCE = """
    from ansible.module_utils.basic import AnsibleModule
    AnsibleModule({"a": {}}).exit_json()
"""


def test_ansibles_own_script_is_read(build: Build) -> None:
    module = read_module(build(SOURCE, a='it\'s "quoted"\n=,x'))
    assert module is not None
    assert module.name.startswith("ansible.legacy.made_up")
    assert json.loads(module.params)["ANSIBLE_MODULE_ARGS"]["a"] == 'it\'s "quoted"\n=,x'
    assert module.payload.table["ansible.module_utils"][1] is True
    assert module.payload.table["ansible.module_utils.basic"][1] is False


def test_the_same_payload_is_unpacked_once(build: Build) -> None:
    script = build(SOURCE, a="1")
    one, other = read_module(script), read_module(script)
    assert one is not None
    assert other is not None
    assert one.payload is other.payload


@pytest.mark.parametrize(
    "change",
    [
        lambda script: script[:100],
        lambda script: script.replace(b"_ANSIBALLZ_WRAPPER = True", b"_OTHER = True"),
        lambda script: script.replace(b"\nprofile=", b"\nunheard_of=1,\nprofile="),
        lambda script: script.replace(b"\nrlimit_nofile=", b"\nno_limit="),
        lambda script: script.replace(b"extensions={}", b"extensions={'debugpy': {}}"),
    ],
)
def test_any_other_script_is_left_alone(build: Build, change) -> None:
    changed = change(build(SOURCE, a="1"))
    assert read_module(changed) is None
