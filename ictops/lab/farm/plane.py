"""A data plane behind a simulated switch: Open vSwitch carries what its configuration says.

The simulated switch is the command line, the bridge the wires: after each change of the
running configuration the bridge's ports are in the VLANs that it says, and a port that is
to carry nothing is not in the bridge. So a wrong VLAN really cuts a host off, or the
switch itself, whose own interface is a port of the bridge like any other.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from ictops.errors import LabError
from ictops.lab.farm.carried import NOTHING, Carried, answers, carried, created
from ictops.lab.farm.config import Lines
from ictops.lab.farm.kind import Kind, Paths
from ictops.lab.farm.model import Plane

SECONDS = 10
"""How long Open vSwitch may take to carry a change out, which takes it some hundredths."""


class Bridge:
    """The bridge of one switch."""

    def __init__(self, name: str, kind: Kind, model: Plane, original: Lines) -> None:
        """Belong to a switch; nothing is carried yet.

        :raises LabError: if it is not known how such a switch's VLANs are read.
        """
        if kind.management is None or not kind.management.native:
            raise LabError(f"a {kind.title} cannot have a data plane", where=name)
        self._paths: Paths = kind.management
        self._name = name
        self._model = model
        self._original = original
        self._now: dict[str, Carried] = {}

    def carry(self, lines: Lines) -> None:
        """Carry what a configuration says, from when this returns.

        :raises LabError: if Open vSwitch does not do it.
        """
        vlans = created(self._paths, lines)
        wanted = {
            interface: carried(self._paths, lines, port).only(vlans)
            for port, interface in self._model.ports.items()
        }
        for vlan, interface in self._model.own.items():
            there = answers(self._paths, vlan, lines, self._original)
            wanted[interface] = Carried(vlan).only(vlans) if there else NOTHING
        self._set(wanted)

    def go_dark(self) -> None:
        """Carry nothing, as a switch that reboots.

        :raises LabError: as above.
        """
        self._set(dict.fromkeys((*self._model.ports.values(), *self._model.own.values()), NOTHING))

    def _set(self, wanted: Mapping[str, Carried]) -> None:
        """Change what is to be changed, in one transaction."""
        words: list[str] = []
        for interface, what in wanted.items():
            if self._now.get(interface) != what:
                words += self._port(interface, what)
        if not words:
            return
        try:
            subprocess.run(
                ["ovs-vsctl", f"--db=unix:{self._model.database}", f"--timeout={SECONDS}", *words],
                check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise LabError(f"its data plane failed: {said.strip()}", where=self._name) from error
        self._now = dict(wanted)

    def _port(self, interface: str, what: Carried) -> list[str]:
        if what == NOTHING:
            return ["--", "--if-exists", "del-port", self._model.bridge, interface]
        mode = "trunk" if what.untagged is None else "native-untagged" if what.tagged else "access"
        tag = [] if what.untagged is None else [what.untagged]
        # An access port has no list; a trunk's, if it were empty, would mean all VLANs.
        trunks = sorted(what.tagged | set(tag)) if what.tagged else []
        return [
            *("--", "--may-exist", "add-port", self._model.bridge, interface),
            *("--", "set", "port", interface),
            *(f"vlan_mode={mode}", f"tag={tag}", "trunks=" + str(trunks).replace(" ", "")),
        ]
