"""Who may publish and read what on a broker: CONTRACT 2 as lists of MQTT topic filters.

Derived from the table of ``contract.routes``, so that a new topic has its rights at once. Not here:
any broker's own file format, who is enrolled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contract.routes import GATE_RULES, NOT_DRILLED, STATION_RULES, Rule
from contract.topics import ROOT, Address

ANY = "+"


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters of one client; what stands in neither is denied."""

    write: tuple[str, ...]
    read: tuple[str, ...]


def gate_rights(gate: Address, areas: Iterable[str], calls: Iterable[str] = ()) -> Rights:
    """What one gate may do: say its own, hear its own, its areas and the host.

    *calls* are the areas that it is agreed to call while the station is silent.
    """
    areas = tuple(areas)
    head = f"{ROOT}/{gate.station}"
    up, down = _under(gate.base)
    write, read = [*up], [*down]
    for pattern, rule in STATION_RULES.items():
        topics = _for_areas(pattern, areas)
        if rule.down:
            read += [f"{head}/{_wild(topic)}" for topic in topics]
        else:
            write += [f"{head}/{_own(topic, gate)}" for topic in topics]
    write += [gate.call(area) for area in calls]
    return Rights(tuple(write), tuple(read))


def host_rights(station: str) -> Rights:
    """What the station's own software may do: hear every gate, speak to every gate."""
    head = f"{ROOT}/{station}"
    up, down = _under(f"{head}/{ANY}/{ANY}")
    rules = STATION_RULES.items()
    write = [f"{head}/{_wild(pattern)}" for pattern, rule in rules if rule.down]
    read = [f"{head}/{_wild(pattern)}" for pattern, rule in rules if not rule.down]
    return Rights((*down, *write), (*up, *read))


def _under(base: str) -> tuple[list[str], list[str]]:
    """Topics below a gate's base: those that go up, and those that go down."""
    up: list[str] = []
    down: list[str] = []
    for pattern, rule in GATE_RULES.items():
        if _is_covered(pattern, rule):
            continue
        into = down if rule.down else up
        into.append(f"{base}/{_wild(pattern)}")
        if pattern.split("/")[0] not in NOT_DRILLED:
            into.append(f"{base}/drill/{_wild(pattern)}")
    return up, down


def _is_covered(pattern: str, rule: Rule) -> bool:
    """True when another pattern of the same direction takes *pattern* in."""
    words = pattern.split("/")
    for other, its in GATE_RULES.items():
        theirs = _wild(other).split("/")
        if other == pattern or its.down != rule.down or len(theirs) != len(words):
            continue
        if all(b in (ANY, a) for a, b in zip(words, theirs, strict=True)):
            return True
    return False


def _wild(pattern: str) -> str:
    return "/".join(ANY if word == "*" or "{" in word else word for word in pattern.split("/"))


def _for_areas(pattern: str, areas: Iterable[str]) -> list[str]:
    if not pattern.startswith("area/{id}"):
        return [pattern]
    return [pattern.replace("{id}", area, 1) for area in areas]


def _own(topic: str, gate: Address) -> str:
    """``area/a/respond/{id}/{id}`` with the gate's own site and node."""
    return topic.replace("{id}", gate.site, 1).replace("{id}", gate.node, 1)
