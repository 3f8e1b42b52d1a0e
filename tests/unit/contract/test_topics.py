"""With which QoS topics are subscribed."""

from __future__ import annotations

from contract.topics import Address, station_subscriptions, subscription_qos

GATE = Address("cancheng", "liya-garden", "gate-1")


def test_only_words_that_are_soon_said_again_may_be_missed() -> None:
    asked = (*GATE.subscriptions(), *station_subscriptions("cancheng"))
    fleeting = {topic for topic in asked if subscription_qos(topic) == 0}
    assert fleeting == {GATE.host_state(), "gh/v1/cancheng/+/+/hb"}
