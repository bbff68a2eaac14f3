"""What a platform's file says of the path by which a switch is reached: ``path``."""

from __future__ import annotations

from ictops.network.declared import LineExpression, Part


class Reach(Part):
    """How the path of the management is found, and which lines are of it.

    Lines are without what takes away (``no``, ``delete``). In those that may, ``{interface}``,
    ``{vlan}``, ``{unit}``, ``{address}`` and ``{name}`` stand for what was found.
    """

    interface: tuple[LineExpression, ...] = ()
    """The line at the margin that holds the address or the block around it.

    Groups: ``interface`` for what it is called, ``vlan`` and ``unit`` if it says them."""
    vlan: tuple[LineExpression, ...] = ()
    """Lines at the margin whose group ``vlan`` is another name of its VLAN."""
    management: tuple[LineExpression, ...] = ()
    """More lines that change the interface of the management."""
    vlans: tuple[LineExpression, ...] = ()
    """Lines that set or remove VLANs, group ``vlans``; also all in their blocks."""
    port: tuple[LineExpression, ...] = ()
    """Lines of a port or its block, group ``port``."""
    trunk: tuple[LineExpression, ...] = ()
    """Lines in a port's block that make it a trunk; in a VLAN's, group ``ports`` lists them."""
    carries: tuple[LineExpression, ...] = ()
    """Lines in a port's block that say which VLANs it carries, group ``vlans``."""
    bundle: tuple[LineExpression, ...] = ()
    """Lines that put ports together: groups ``group``, and ``ports`` if it is not in a port's."""
    bundled: str = ""
    """The name of the port that they are together; ``{group}`` in it."""
    adds: tuple[LineExpression, ...] = ()
    """Lines of a port that carry one more VLAN tagged, or in a VLAN's block one more port."""
    moves: tuple[LineExpression, ...] = ()
    """Lines in a VLAN's block that change what ports carry, group ``ports``."""
    harmless: tuple[LineExpression, ...] = ()
    """Lines of a port or the management's interface that cut nothing off."""
    gateway: tuple[LineExpression, ...] = ()
    login: tuple[LineExpression, ...] = ()
    """Users, enable passwords, AAA."""
    ssh: tuple[LineExpression, ...] = ()
    uses: tuple[LineExpression, ...] = ()
    """Lines that put an access list, group ``name``, on the management."""
    lists: tuple[LineExpression, ...] = ()
    """The lines of an access list; ``{name}`` in them."""
