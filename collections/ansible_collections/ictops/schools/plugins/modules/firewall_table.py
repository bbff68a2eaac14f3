#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One table of nftables, as the kernel has it now."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: firewall_table
short_description: Have a table of nftables in the kernel, just as it is written
description:
  - Loads the rules where the kernel's own differ. What they would be in the kernel is found out
    in a network namespace of its own, so no listing has to be kept. Other tables stay.
options:
  table:
    description: Family and name, as C(inet school).
    type: str
    required: true
  rules:
    description: The table as nft reads it, C(table inet school { ... }).
    type: str
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Filter
  ictops.schools.firewall_table:
    table: inet school
    rules: |
      table inet school {
        chain input { type filter hook input priority 0; policy accept; }
      }
  become: true
"""

RETURN = r""" # """


def listed(module, table: str) -> str:
    """Give a table as the kernel has it, without counts; empty if it has none."""
    _, tables, _ = module.run_command(["nft", "list", "tables"], check_rc=True)
    if f"table {table}" not in {line.strip() for line in tables.splitlines()}:
        return ""
    words = ["nft", "--stateless", "list", "table", *table.split()]
    return module.run_command(words, check_rc=True)[1]


def main() -> None:
    """Compare, and load what differs."""
    text = {"type": "str", "required": True}
    module = AnsibleModule(argument_spec={"table": text, "rules": text}, supports_check_mode=True)
    table, rules = module.params["table"], module.params["rules"]
    script = "nft -f - && nft --stateless list table $0"
    alone = ["unshare", "--net", "sh", "-c", script, table]
    _, wanted, _ = module.run_command(alone, data=f"{rules}\n", check_rc=True)
    there = listed(module, table)
    if there != wanted and not module.check_mode:
        # In one go, so that there is no moment without.
        data = f"table {table}\ndelete table {table}\n{rules}\n"
        module.run_command(["nft", "-f", "-"], data=data, check_rc=True)
    differs = [{"what": f"firewall {table}", "before": there, "after": wanted}]
    module.exit_json(
        changed=there != wanted,
        diff={"before": there, "after": wanted},
        differs=differs if there != wanted else [],
    )


if __name__ == "__main__":
    main()
