from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ictops.errors import PlanError
from ictops.plans.digests import changed_since, digests_of
from ictops.plans.search import SearchPath
from ictops.plans.sources import playbook_path, sources_of


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
    - ansible.builtin.template: {src: motd.j2, dest: /etc/motd}
    - ansible.builtin.copy: {src: beside.conf, dest: /etc/conf}
    - ansible.builtin.copy: src=tree/ dest=/etc/tree
    - ansible.builtin.copy: {src: on_the_host, dest: /etc/x, remote_src: true}
    - ansible.builtin.copy:
        content: "{{ lookup('file', 'keys/anna.pub') }}"
        dest: /root/.ssh/authorized_keys
    - ansible.builtin.file: {path: /etc/hostname}
    - include_role: {name: school.pc.desktop}
""",
    "other.yml": "- hosts: servers\n  tasks: []\n",
    "common.yml": "colour: blue\n",
    "tasks/more.yml": "- debug: {msg: hello}\n",
    "group_vars/all.yml": "a: 1\n",
    "unrelated.txt": "x",
    "templates/motd.j2": "hello",
    "templates/chosen_at_run_time.j2": "x",
    "files/deep/down.bin": "x",
    "library/our_module.py": "x",
    "filter_plugins/ours.py": "x",
    "beside.conf": "x",
    "tree/leaf/one": "x",
    "on_the_host/one": "x",
    "keys/anna.pub": "x",
    "keys/unused.pub": "x",
    "collections/ansible_collections/school/pc/roles/desktop/tasks/main.yml": (
        "- include_role: {name: fonts}\n"
    ),
    "collections/ansible_collections/school/pc/roles/fonts/tasks/main.yml": "[]\n",
    "more_roles/fonts/tasks/main.yml": "[]\n",
    "more_roles/clock/tasks/main.yml": "[]\n",
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
    return digests_of([folder / "site.yml"], search(folder), {})


def search(folder: Path) -> SearchPath:
    return SearchPath(folder / "content", roles=(folder / "more_roles",), collections=())


@pytest.mark.parametrize(
    ("name", "playbook", "roles"),
    [
        ("site.yml", True, False),
        ("other.yml", True, False),
        ("common.yml", True, False),
        ("tasks/more.yml", True, False),
        ("group_vars/all.yml", True, False),
        ("unrelated.txt", False, False),
        ("templates/motd.j2", True, False),
        ("templates/chosen_at_run_time.j2", True, False),
        ("files/deep/down.bin", True, False),
        ("library/our_module.py", True, False),
        ("filter_plugins/ours.py", True, False),
        ("beside.conf", True, False),
        ("tree/leaf/one", True, False),
        ("on_the_host/one", False, False),
        ("keys/anna.pub", True, False),
        ("keys/unused.pub", False, False),
        ("collections/ansible_collections/school/pc/roles/desktop/tasks/main.yml", False, True),
        ("collections/ansible_collections/school/pc/roles/fonts/tasks/main.yml", False, True),
        ("more_roles/fonts/tasks/main.yml", False, False),
        ("more_roles/clock/tasks/main.yml", False, False),
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
        return digests_of([folder / "role.yml"], search(folder), role)

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


def test_a_role_outside_is_found_by_the_roles_path(folder):
    (folder / "site.yml").write_text("- hosts: all\n  roles: [outside]\n")
    (folder / "more_roles/outside/tasks").mkdir(parents=True)
    (folder / "more_roles/outside/tasks/main.yml").write_text("[]\n")
    before = digests(folder)
    assert before.missing_roles == ()
    (folder / "more_roles/outside/tasks/main.yml").write_text("[] # changed\n")
    assert digests(folder).roles != before.roles


def test_a_short_name_is_looked_for_in_the_collections_of_the_play(folder):
    play = "- hosts: all\n  collections: [school.pc]\n  roles: [desktop]\n"
    (folder / "site.yml").write_text(play)
    found = sources_of([folder / "site.yml"], search(folder), {})
    collection = folder.resolve() / "collections/ansible_collections/school/pc/roles"
    assert found.roles == {"desktop": collection / "desktop", "fonts": collection / "fonts"}


def test_an_imported_playbook_brings_what_lies_beside_it(folder):
    (folder / "sub/group_vars").mkdir(parents=True)
    (folder / "sub/roles/inner/tasks").mkdir(parents=True)
    (folder / "sub/group_vars/all.yml").write_text("a: 1\n")
    (folder / "sub/roles/inner/tasks/main.yml").write_text("[]\n")
    (folder / "sub/play.yml").write_text("- hosts: all\n  roles: [inner]\n")
    (folder / "site.yml").write_text("- import_playbook: sub/play.yml\n")
    before = digests(folder)
    assert before.missing_roles == ()
    (folder / "sub/group_vars/all.yml").write_text("a: 2\n")
    assert digests(folder).playbook != before.playbook


def test_files_that_import_each_other_end(folder):
    (folder / "other.yml").write_text("- import_playbook: site.yml\n")
    assert digests(folder).playbook


def test_a_broken_playbook_is_named_with_its_line(folder):
    (folder / "other.yml").write_text("- hosts: all\n  tasks: [\n")
    with pytest.raises(PlanError) as caught:
        digests(folder)
    assert caught.value.where == f"{folder / 'other.yml'}:3"
    with pytest.raises(PlanError, match="cannot be read"):
        digests_of([folder / "none.yml"], search(folder), {})


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
    assert changed_since(made, cluster, search(folder)) == []
    (folder / "other.yml").write_text("# less\n")
    (folder / "roles/clock/tasks/main.yml").write_text("[]\n")
    cluster.sites = {"oakfield": FakeSite("changed")}
    assert changed_since(made, cluster, search(folder)) == [
        f"the playbook {folder / 'site.yml'}, or a file that it uses, has changed",
        f"a role that {folder / 'site.yml'} uses has changed",
        "the inventory of site oakfield has changed",
        "site no is no longer in the inventory",
    ]
