"""What a switch is to have in all, where only some of it is managed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from hier_config import HConfig, HConfigChild

from ictops.network.declared import first_match
from ictops.network.entries import merged
from ictops.network.members import Members, members_in, numbers_of
from ictops.network.platform import Platform
from ictops.network.rules import Feature, Managed
from ictops.network.tree import Tree, empty_tree, place_of, put
from ictops.network.veil import Veil

_MARK = r'"?<secret(?::[0-9a-f]{8})?>"?'
_TYPE = r"(?:\d{1,2}|8a|encrypted|ciphertext|plaintext|sha-?\d{1,3})"
_TYPED = re.compile(
    rf"\b((?:secret|password|[\w-]*key(?:-string)?|(?:auth|priv)-pass|text|md5|sha1|host \S+) )"
    rf"(?:{_TYPE} )?{_MARK}"
)
# How a hashed secret is told apart from one in clear, elsewhere on the line
_HASHED = re.compile(r" (?:encrypted|localized \S+)(?= |$)| \d$|(?<=auth-sha)-key|(?<=aes128)-key")
_FIRST_VLANS = {"1", "default"}


class Wanted:
    """A configuration in which what is managed is as wanted, and all else as it is."""

    def __init__(
        self, platform: Platform, running: HConfig, wanted: HConfig, features: Collection[str]
    ) -> None:
        self._platform = platform
        self._rules = platform.rules
        self._running = running
        self._wanted = wanted
        self._features = frozenset(features)
        self._ports = frozenset(self._named_ports())
        self._named = {
            found["port"]
            for line in wanted.children
            for _, found in self._at_margin(line.text)
            if "port" in found.groupdict()
        }

    def tree(self) -> HConfig:
        """Give it as a tree."""
        tree = empty_tree(self._platform)
        self._fill(tree, self._running, self._wanted)
        return tree

    def features_of(self, line: str) -> set[Feature]:
        """Give the features that a line at the margin belongs to."""
        return {feature for feature, _ in self._at_margin(line)}

    def _fill(self, into: Tree, running: Tree, wanted: Tree) -> None:
        margin = _margin(running)
        was = {place_of(self._rules, line.text): line.text for line in running.children}
        for line in wanted.children:
            place = place_of(self._rules, line.text)
            text = line.text
            if self._rules.dialect == "routeros" and place in was:
                compared = self._is_compared(text)
                text = merged(self._rules, text, was[place], managed=compared)
            copy = put(self._rules, into, text)
            old = running.children.get(line.text)
            if old is None:
                self._with_all(copy, line)
            else:
                self._fill(copy, old, line)
        places = {place_of(self._rules, line.text) for line in wanted.children} - {None}
        for line in running.children:
            listed = members_in(self._rules, line.text)
            if listed is not None and listed.rule.ports:
                left = self._members_left(listed, margin, line.text)
                if left:
                    put(self._rules, into, listed.line(listed.rule.whole, left))
            elif line.text in wanted.children or place_of(self._rules, line.text) in places:
                continue
            elif self._is_left(line, margin):
                self._with_all(put(self._rules, into, line.text), line)

    def _with_all(self, into: HConfigChild, line: HConfigChild) -> None:
        for one in line.children:
            self._with_all(put(self._rules, into, one.text), one)

    def _is_left(self, line: HConfigChild, margin: str | None) -> bool:
        """Whether a line that is not wanted stays."""
        if margin is not None:
            inner = self._inside(margin, line.text)
            if inner is not None:
                return inner not in self._features
            return not (self._is_compared(margin) and self._speaks_of(margin, line.text))
        if not self._is_compared(line.text):
            return True
        # What is in it may be managed elsewhere, as the address in a VLAN is
        inner_ones = (self._inside(line.text, one.text) for one in line.children)
        return any(inner is not None and inner not in self._features for inner in inner_ones)

    def _is_compared(self, margin: str) -> bool:
        """Whether a line at the margin goes if it is not wanted, or what is in it does."""
        for feature, found in self._at_margin(margin):
            named = found.groupdict()
            if feature not in self._features or named.get("vlan") in _FIRST_VLANS:
                continue
            if "port" not in named or named["port"] in self._named:
                return True
        return False

    def _speaks_of(self, margin: str, inside: str) -> bool:
        """Whether what is managed of a block has a say in a line of it."""
        only = [
            rule.only
            for feature, rules in self._platform.manages.items()
            if feature in self._features
            for rule in rules
            if rule.within is None and rule.expression.match(margin) is not None
        ]
        return any(one is None or re.match(one, inside) is not None for one in only)

    def _members_left(self, listed: Members, margin: str | None, line: str) -> frozenset[str]:
        """Give the ports in a list that are not compared."""
        compared = self._is_compared(line) if margin is None else "ports" in self._features
        return listed.members - self._ports if compared else listed.members

    def _at_margin(self, line: str) -> Iterator[tuple[Feature, re.Match[str]]]:
        for feature, rules in self._platform.manages.items():
            for rule in rules:
                found = None if rule.within is not None else rule.expression.match(line)
                if found is not None:
                    yield feature, found

    def _inside(self, margin: str, line: str) -> Feature | None:
        """Give the feature of its own that a line in a block belongs to."""
        for feature, rules in self._platform.manages.items():
            if any(_is_inside(rule, margin, line) for rule in rules):
                return feature
        return None

    def _named_ports(self) -> Iterator[str]:
        """Give the ports that what is wanted names, in lines of their own or in lists."""
        for line in self._wanted.all_children():
            listed = members_in(self._rules, line.text)
            if listed is not None and listed.rule.ports:
                yield from listed.members
        for rule in self._platform.manages.get("ports", ()):
            for line in self._wanted.children:
                found = rule.expression.match(line.text)
                if found is not None and "port" in found.groupdict():
                    yield from numbers_of(found["port"])


def with_shown_secrets(running: HConfig, wanted: HConfig, veil: Veil) -> None:
    """Have wanted lines say a secret as the switch shows it.

    A switch hashes or encrypts secrets, so two lines that differ in nothing else are alike.
    """
    _with_shown(running, wanted, veil, ())


def _with_shown(running: Tree, wanted: Tree, veil: Veil, within: tuple[str, ...]) -> None:
    shown: dict[str, list[str]] = {}
    for line in running.children:
        if line.text not in wanted.children and (bare := without_secrets(veil, line.text, within)):
            shown.setdefault(bare, []).append(line.text)
    for line in wanted.children:
        if shown and line.text not in running.children:
            bare = without_secrets(veil, line.text, within)
            if bare and shown.get(bare):
                line.text = shown[bare].pop(0)
        old = running.children.get(line.text)
        if old is not None and line.children:
            _with_shown(old, line, veil, (*within, line.text))


def without_secrets(veil: Veil, text: str, within: tuple[str, ...]) -> str:
    """Give a line without its secrets and what says how they are written; empty without any."""
    shown = veil.line(text, within)
    if "<secret" not in shown:
        return ""
    bare = _HASHED.sub("", _TYPED.sub(r"\1<secret>", shown))
    return re.sub(_MARK, "<secret>", bare)


def take_unseen(platform: Platform, running: HConfig, wanted: HConfig) -> list[str]:
    """Take lines out that the switch never shows, and give them.

    What it shows in their place, such as a server without its key, is wanted instead.
    """
    unseen: list[str] = []
    places = {place_of(platform.rules, line.text): line for line in running.children}
    for line in list(wanted.children):
        hidden = first_match(platform.unseen, line.text) is not None
        if not hidden or line.text in running.children:
            continue
        unseen.append(line.text)
        place = place_of(platform.rules, line.text)
        if place is not None and place in places:
            line.text = places[place].text
        else:
            line.delete()
    return unseen


def _margin(block: Tree) -> str | None:
    """Give the line at the margin that a block is or is in; None for the whole."""
    return next((line.text for line in block.lineage()), None)


def _is_inside(rule: Managed, margin: str, line: str) -> bool:
    if rule.within is None or first_match((rule.within,), margin) is None:
        return False
    return rule.expression.match(line) is not None
