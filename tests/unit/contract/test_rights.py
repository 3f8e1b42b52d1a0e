"""Who may do what: every topic of the contract has exactly one direction, and nobody else's."""

from __future__ import annotations

import re

import pytest

from contract.rights import Rights, gate_rights, host_rights
from contract.routes import GATE_RULES, NOT_DRILLED, STATION_RULES, route
from contract.topics import Address

GATE = Address("cancheng", "liya-garden", "gate-1")
OTHER = Address("cancheng", "liya-garden", "gate-2")
BASE = GATE.base
EXAMPLES = {
    "*": "x-1",
    "{n}": "1",
    "{kind}": "drill",
    "{command}": "door.open",
    "{doc}": "plates",
    "{id}": "west",
}


def concrete(pattern: str) -> str:
    return "/".join(EXAMPLES.get(word, word) for word in pattern.split("/"))


def takes(filters: tuple[str, ...], topic: str) -> bool:
    patterns = ("[^/]+".join(map(re.escape, f.split("+"))) for f in filters)
    return any(re.fullmatch(pattern, topic) for pattern in patterns)


def gate_topics(gate: Address) -> list[tuple[str, bool]]:
    found = []
    for pattern, rule in GATE_RULES.items():
        found.append((gate.topic(concrete(pattern)), rule.down))
        if pattern.split("/")[0] not in NOT_DRILLED:
            found.append((gate.topic(concrete(pattern), drill=True), rule.down))
    return found


def test_a_gate_writes_what_goes_up_and_reads_what_comes_down() -> None:
    rights = gate_rights(GATE, ())
    for topic, down in gate_topics(GATE):
        assert route(topic) is not None, topic
        assert takes(rights.read, topic) is down, topic
        assert takes(rights.write, topic) is not down, topic


def test_the_station_does_the_opposite() -> None:
    rights = host_rights("cancheng")
    for topic, down in gate_topics(GATE) + gate_topics(OTHER):
        assert takes(rights.write, topic) is down, topic
        assert takes(rights.read, topic) is not down, topic
    for pattern, rule in STATION_RULES.items():
        topic = f"gh/v1/cancheng/{concrete(pattern)}"
        assert takes(rights.write, topic) is rule.down
        assert takes(rights.read, topic) is not rule.down


def test_nothing_of_another_gate_or_station() -> None:
    rights = gate_rights(GATE, ["west"])
    for topic, _ in [*gate_topics(OTHER), *gate_topics(Address("luocun", "liya-garden", "gate-1"))]:
        assert not takes((*rights.read, *rights.write), topic), topic


def test_areas_are_the_gates_own_and_answers_are_in_its_name() -> None:
    head = "gh/v1/cancheng/area"
    rights = gate_rights(GATE, ["west", "north"])
    for area in ("west", "north"):
        assert takes(rights.read, f"{head}/{area}/call")
        assert takes(rights.read, f"{head}/{area}/bulletin")
        assert not takes(rights.write, f"{head}/{area}/call")
        assert takes(rights.write, f"{head}/{area}/respond/liya-garden/gate-1")
        assert not takes(rights.write, f"{head}/{area}/respond/liya-garden/gate-2")
        assert not takes(rights.read, f"{head}/{area}/respond/liya-garden/gate-2")
    assert not takes(rights.read, f"{head}/south/call")
    assert takes(rights.read, "gh/v1/cancheng/host/state")


def test_only_an_agreed_gate_calls_and_only_its_areas() -> None:
    head = "gh/v1/cancheng/area"
    rights = gate_rights(GATE, iter(["west", "north"]), ["west"])
    assert takes(rights.read, f"{head}/north/bulletin")
    assert takes(rights.write, f"{head}/west/call")
    assert not takes(rights.write, f"{head}/north/call")
    assert not takes(rights.write, f"{head}/west/bulletin")


@pytest.mark.parametrize("rights", [gate_rights(GATE, ["west"]), host_rights("cancheng")])
def test_no_filter_is_open_ended(rights: Rights) -> None:
    for topic in (*rights.read, *rights.write):
        assert "#" not in topic
        assert topic.startswith("gh/v1/cancheng/")
    for topic in gate_rights(GATE, ["west"]).write:
        assert "+" not in topic.removeprefix(BASE)[:3]
        assert topic.startswith(BASE) or topic.endswith("respond/liya-garden/gate-1")
