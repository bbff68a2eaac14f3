"""What 'pip install .' brings: roles, playbooks and plugins, and nothing of a lab's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CONTENT = ("roles/", "playbooks/", "collections/", "inventories/demo/", "ansible.cfg")


def test_the_wheel_holds_our_content_and_nothing_of_a_lab(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    known = [name for name in listed if (PROJECT / name).is_file()]
    checkout = tmp_path / "checkout"
    for name in known:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, checkout / name)
    demo = checkout / "inventories" / "demo"
    (demo / "known_hosts").mkdir()
    (demo / "known_hosts" / "oakfield").write_text("pinned for a school\n")
    lab = checkout / "inventories" / "lab"
    (lab / ".lab").mkdir(parents=True)
    (lab / ".lab" / "id_ed25519").write_text("a lab's key\n")
    (lab / "oakfield.yml").write_text("site_oakfield:\n")
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path)]
    subprocess.run([*words, str(checkout)], check=True, stdin=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("ictops-*.whl")
    found = {name for name in zipfile.ZipFile(wheel).namelist() if "/content/" in name}
    wanted = {f"ictops/content/{name}" for name in known if name.startswith(CONTENT)}
    assert found == wanted
    assert "ictops/content/collections/ansible_collections/ictops/schools/galaxy.yml" in found
