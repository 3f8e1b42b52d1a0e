"""With which QoS topics are subscribed, and how they are read back."""

from __future__ import annotations

import pytest

from contract.routes import route
from contract.topics import (
    Address,
    parse_gate_topic,
    station_subscriptions,
    subscription_qos,
)
from contract.words import CommandName

GATE = Address("cancheng", "liya-garden", "gate-1")


def test_only_words_that_are_soon_said_again_may_be_missed() -> None:
    asked = (*GATE.subscriptions(), *station_subscriptions("cancheng"))
    fleeting = {topic for topic in asked if subscription_qos(topic) == 0}
    assert fleeting == {GATE.host_state(), "gh/v1/cancheng/+/+/hb"}


@pytest.mark.parametrize("name", CommandName)
@pytest.mark.parametrize("drill", [False, True])
def test_a_command_whose_dot_became_a_level_is_the_same_command(name: str, *, drill: bool) -> None:
    topic = GATE.topic("cmd", name, drill=drill)
    lost = GATE.topic("cmd", *name.split("."), drill=drill)
    found = parse_gate_topic(lost)
    assert found == parse_gate_topic(topic)
    assert found is not None
    assert (found.rest, found.drill) == (("cmd", name), drill)
    assert route(lost) == route(topic)


@pytest.mark.parametrize("rest", ["cmd/door/open/now", "cmd/door", "drill", "ack/door/open"])
def test_no_other_level_becomes_a_dot(rest: str) -> None:
    found = parse_gate_topic(GATE.topic(rest))
    assert found is not None
    assert "/".join(found.rest) == rest
