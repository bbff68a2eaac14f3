#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PC's job: made and signed on the control machine, armed on the boot server; an action."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: imaging_order
short_description: Make and sign a PC's job, and arm it on its boot server
description:
  - Must be delegated to the boot server, as root. The job is made and signed on the control
    machine; the boot server has no key.
  - The same host has the same job in the same O(run), so asking again finds the job that is
    there. Another one is armed only where the window of the one before has closed, or a person
    has cancelled it.
  - Refuses a host that is no workstation, and one in the group C(servers) that O(and_servers)
    does not name.
options:
  state:
    description:
      - V(found) says which job of O(run) the host has, or would get.
      - V(cancelled) takes the host's jobs of O(run) back, of every kind, that no PC is at
        work on.
    type: str
    choices: [armed, found, cancelled]
    default: armed
  kind:
    description: What the PC is to do.
    type: str
    choices: [image, heal, erase, look, capture]
    default: image
  folder:
    description: The folder C(imaging) of ictops' state directory. Required to arm.
    type: path
  run:
    description: The run that this is part of.
    type: str
    required: true
  ends_at:
    description: When the window closes, in ISO 8601 with its offset. Required to arm.
    type: str
  site:
    description: The site's code. Required to arm.
    type: str
  mac:
    description: The MAC of the network card that the PC boots by. Required to arm.
    type: str
  uuid:
    description: The PC's SMBIOS UUID; the first PC that asks, where nobody knows it.
    type: str
    default: ""
  disk:
    description: Which disk, by C(serial) or C(size), of a PC that has several.
    type: dict
    default: {}
  image:
    description: C(name), C(version) and C(digest) of the image.
    type: dict
    default: {}
  seeds:
    description:
      - Images of which the disk may still have something, like O(image). Of a disk that is
        captured, what they have is not sent.
    type: list
    elements: dict
    default: []
  multicast:
    description: Whether the PCs of a room that go together receive the image together.
    type: bool
    default: false
  together:
    description:
      - The hosts that get a job at the same time; those of them that are in the host's room receive
        the image together. Nobody else, for the room would wait for a PC that never comes.
    type: list
    elements: str
    default: []
  cache:
    description: Bytes of the partition that keeps the image at the PC.
    type: int
    default: 0
  account:
    description: Who may log in by the key that Ansible uses.
    type: str
    default: root
  key:
    description: The private key that Ansible uses; the first of ssh's own where it is not named.
    type: path
    default: ""
  authorized_keys:
    description: Public keys by account, in the place of O(account) and O(key).
    type: dict
    default: {}
  user_data:
    description: More of cloud-init's user-data.
    type: dict
    default: {}
  network:
    description: cloud-init's network-config.
    type: dict
    default: {}
  windows:
    description: Windows' answers, as the role C(workstation_image) names them.
    type: dict
    default: {}
  unattend:
    description: A whole unattend.xml, in the place of O(windows).
    type: str
    default: ""
  drivers:
    description:
      - By model of PC, where C(*) stands for anything, the name of a folder of drivers.
    type: dict
    default: {}
  secret:
    description:
      - What only the PC is told. With it a Windows joins its domain, by the account data of an
        offline join. In O(unattend) it stands in the place of C(@ICTOPS-SECRET@).
    type: str
    default: ""
  standing:
    description: Whether a PC that heals itself does it at each boot within the window.
    type: bool
    default: false
  serials:
    description: The disks that are erased.
    type: list
    elements: str
    default: []
  most:
    description: Bytes that the boot server takes of a disk that is captured, compressed.
    type: int
    default: 0
  then:
    description:
      - What a PC does that was captured. A generalised Windows must not start before it is used.
    type: str
    choices: [reboot, poweroff]
    default: reboot
  and_servers:
    description: Hosts of the group C(servers) that may be imaged or erased all the same.
    type: list
    elements: str
    default: []
  socket:
    description: Where the imaging service listens.
    type: path
    default: /run/ictops-imaging/admin.sock
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Order the image
  ictops.schools.imaging_order:
    folder: /var/lib/ictops/imaging
    run: "{{ ictops_run }}"
    ends_at: "{{ ictops_ends_at }}"
    site: oakfield
    mac: "{{ host_mac }}"
    image: {name: pc-debian, version: "2026.10", digest: "{{ digest }}"}
  delegate_to: boot-server
  become: true
  register: order
"""

RETURN = r"""
host:
  description: The host, where it has a job already or was only looked for.
  returned: when found
  type: str
id:
  description: The job's id.
  returned: always
  type: str
stage:
  description: What the job is at.
  returned: always
  type: str
now:
  description: The boot server's time.
  returned: always
  type: str
msg:
  description: What was done, for a person.
  returned: always
  type: str
"""
