from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ictops.errors import PlanError
from ictops.plans.digests import changed_since, digests_of, playbook_path


@dataclass
class FakeSite:
    digest: str


@dataclass
class FakeCluster:
    sites: dict[str, FakeSite] = field(default_factory=dict)


FILES = {
    "site.yml": """
- import_playbook: other.yml
- hosts: all
  vars:
    secret: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      6162
  vars_files: [common.yml]
  roles:
    - baseline
    - role: software
      when: true
  tasks:
    - ansible.builtin.import_tasks: more.yml
    - name: In a block
      block:
        - ansible.builtin.include_role:
            name: printing
    - include_role: {name: "{{ chosen }}"}
""",
    "other.yml": "- hosts: servers\n  tasks: []\n",
    "common.yml": "colour: blue\n",
    "tasks/more.yml": "- debug: {msg: hello}\n",
    "group_vars/all.yml": "a: 1\n",
    "unrelated.txt": "x",
    "roles/baseline/tasks/main.yml": "- debug: {}\n",
    "roles/baseline/meta/main.yml": "dependencies: [{role: clock}]\n",
    "roles/software/tasks/main.yml": "- debug: {}\n",
    "roles/software/templates/conf.j2": "{{ x }}\n",
    "roles/printing/tasks/main.yml": "- debug: {}\n",
    "roles/clock/tasks/main.yml": "- debug: {}\n",
    "roles/unused/tasks/main.yml": "- debug: {}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def digests(folder: Path):
    return digests_of([folder / "site.yml"], folder / "content", {})


@pytest.mark.parametrize(
    ("name", "playbook", "roles"),
    [
        ("site.yml", True, False),
        ("other.yml", True, False),
        ("common.yml", True, False),
        ("tasks/more.yml", True, False),
        ("group_vars/all.yml", True, False),
        ("unrelated.txt", False, False),
        ("roles/baseline/tasks/main.yml", False, True),
        ("roles/software/templates/conf.j2", False, True),
        ("roles/printing/tasks/main.yml", False, True),
        ("roles/clock/tasks/main.yml", False, True),
        ("roles/unused/tasks/main.yml", False, False),
    ],
)
def test_a_change_shows_in_the_digest_that_it_belongs_to(folder, name, playbook, roles):
    before = digests(folder)
    (folder / name).write_text(FILES[name] + "# changed\n")
    after = digests(folder)
    assert (after.playbook != before.playbook, after.roles != before.roles) == (playbook, roles)


def test_a_role_that_is_planned_alone_counts(folder):
    (folder / "role.yml").write_text("- hosts: all\n  tasks: []\n")

    def now():
        role = {"ictops_role": str(folder / "roles/baseline")}
        return digests_of([folder / "role.yml"], folder, role)

    before = now()
    (folder / "roles/clock/tasks/main.yml").write_text("[]\n")
    assert now().roles != before.roles
    assert before.missing_roles == ()


def test_it_does_not_matter_where_the_folder_is(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    elsewhere.mkdir()
    for name, content in FILES.items():
        (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / name).write_text(content)
    assert digests(elsewhere) == digests(folder)


def test_roles_that_are_nowhere_are_named(folder):
    (folder / "site.yml").write_text("- hosts: all\n  roles: [nobody.has.this, clock]\n")
    assert digests(folder).missing_roles == ("nobody.has.this",)


def test_files_that_import_each_other_end(folder):
    (folder / "other.yml").write_text("- import_playbook: site.yml\n")
    assert digests(folder).playbook


def test_a_broken_playbook_is_named_with_its_line(folder):
    (folder / "other.yml").write_text("- hosts: all\n  tasks: [\n")
    with pytest.raises(PlanError) as caught:
        digests(folder)
    assert caught.value.where == f"{folder / 'other.yml'}:3"
    with pytest.raises(PlanError, match="cannot be read"):
        digests_of([folder / "none.yml"], folder, {})


def test_a_bare_name_is_one_of_ours(tmp_path):
    assert playbook_path("rollout.yml", tmp_path) == tmp_path / "playbooks" / "rollout.yml"
    assert playbook_path("./rollout.yml", tmp_path) == Path("rollout.yml")


def test_what_changed_is_said_in_words(plan, folder):
    now = digests(folder)
    made = plan.model_copy(
        update={
            "playbook": str(folder / "site.yml"),
            "playbook_digest": now.playbook,
            "roles_digest": now.roles,
        }
    )
    cluster = FakeCluster({"oakfield": FakeSite("cc"), "no": FakeSite("dd")})
    assert changed_since(made, cluster, folder) == []
    (folder / "other.yml").write_text("# less\n")
    (folder / "roles/clock/tasks/main.yml").write_text("[]\n")
    cluster.sites = {"oakfield": FakeSite("changed")}
    assert changed_since(made, cluster, folder) == [
        f"the playbook {folder / 'site.yml'} or a file that it imports has changed",
        f"a role that {folder / 'site.yml'} uses has changed",
        "the inventory of site oakfield has changed",
        "site no is no longer in the inventory",
    ]
