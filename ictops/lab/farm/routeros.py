"""The command line of RouterOS: menus, and no modes; what is typed runs and is kept."""

from __future__ import annotations

import re

from ictops.lab.farm import routeros_tree
from ictops.lab.farm.cli import Action, Cli, Reply, Words
from ictops.lab.farm.kind import Command
from ictops.lab.farm.trees import hostname

_EXPORT_AND_PUT = re.compile(r'(?P<export>/export[^;]*?) *; *:put "(?P<text>[^"]*)"')
"""Two commands of a line: a script's ``:put`` prints a text of one's own after the export."""


class RouterOsCli(Cli):
    """One session's command line of a RouterOS switch."""

    def prompt(self) -> str:
        """Give the prompt, with the menu in which one is."""
        menu = f"/{'/'.join(self.path)}" if self.path else ""
        host = hostname(self.kind, self.device.running) or self.device.name
        return self.kind.prompts.user.format(host=host, user=self.user, menu=menu)

    def run(self, typed: str) -> Reply:
        """Carry out a line, and give what the switch answers."""
        line = typed.strip()
        faults = self.device.faults
        if not line or line.startswith("#"):
            return Reply()
        if faults.refuse is not None and re.search(faults.refuse, line):
            return Reply(self.kind.errors.refused.replace("{line}", line))
        return self.dropping(line, self._carry_out)

    def _carry_out(self, line: str) -> Reply:
        if (chained := _EXPORT_AND_PUT.fullmatch(line)) is not None:
            shown = self.run(chained["export"])
            return Reply(f"{shown.text}{chained['text']}\n", drop=shown.drop)
        if (known := self._known(line, "user")) is not None:
            terse = line.startswith("/export") and "terse" in line.split()
            return Reply(_terse(known.text), drop=known.drop) if terse else known
        return self._change(line)

    def _change(self, line: str) -> Reply:
        menu = f"/{' '.join(self.path)}" if self.path else ""
        order = routeros_tree.understand(menu, line)
        if order is None:
            return self._enter(line)
        if not any(re.search(one, order.menu) for one in self.kind.grammar.lines):
            return self.unknown(line)
        last = self.device.ends_session()
        if last and not self.device.faults.drop_after:
            return Reply(drop=True)
        after = routeros_tree.change(self.device.running, order)
        if isinstance(after, str):
            return Reply(f"{after}\n", drop=last)
        self.device.set_running(after, self.user)
        self.device.save()
        return Reply(drop=last)

    def _enter(self, line: str) -> Reply:
        """Go to a menu."""
        if any(re.search(one, line) for one in self.kind.grammar.lines):
            self.path = tuple(line.removeprefix("/").split())
            return Reply()
        return self.unknown(line)


def _terse(export: str) -> str:
    """Give an export with the menu before each line, instead of once above them."""
    menu, lines = "", []
    for line in export.splitlines():
        if line.startswith("/"):
            menu = line
        else:
            lines.append(line if line.startswith("#") or not line else f"{menu} {line}")
    return "".join(f"{line}\n" for line in lines)


def _top(cli: Cli, _command: Command, _words: Words) -> Reply:
    cli.path = ()
    return Reply()


ROUTEROS: dict[str, Action] = {"routeros_top": _top}
