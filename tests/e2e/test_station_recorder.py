"""The tools that other tests lean on: the recorder finds breaches, the broker does as told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.broker import Broker
from tests.tools.gate import WireGate
from tests.tools.messages import GATE, alert, beat, state
from tests.tools.recorder import Recorder


def test_every_breach_is_found_and_can_be_expected(tmp_path: Path) -> None:
    with (
        Broker(tmp_path) as broker,
        Recorder(broker.host, broker.port) as recorder,
        WireGate(broker.host, broker.port) as gate,
    ):
        gate.publish("state", state(), retain=True)
        gate.publish("hb", beat(), qos=0)
        gate.publish("alert", alert(1))
        recorder.wait_for(lambda seen: len(seen) == 3)
        recorder.assert_contract()
        gate.publish("alert", alert(2), retain=True)
        gate.publish("state", state())
        gate.publish("alert", alert(3), qos=0)
        gate.publish("drill/alert", alert(4))
        gate.publish("alert", b"\x00")
        gate.publish("lunch", b"{}")
        recorder.wait_for(lambda seen: len(seen) == 9)
    assert recorder.problems() == [
        f"{GATE}/alert: must never be retained",
        f"{GATE}/state: must be retained",
        f"{GATE}/alert: has QoS 0, not 1",
        f"{GATE}/drill/alert: ghstatus: is 'Actual' on the drill branch, not 'Exercise'",
        f"{GATE}/alert: is not JSON: Expecting value: line 1 column 1 (char 0)",
        f"{GATE}/lunch: is not a topic of contract version 1",
    ]
    left = recorder.problems(expected=["retained$", "QoS 0", "drill branch", "not JSON"])
    assert left == [f"{GATE}/lunch: is not a topic of contract version 1"]
    with pytest.raises(AssertionError, match="break the contract"):
        recorder.assert_contract()


@pytest.mark.parametrize("kill", [False, True])
def test_a_broker_forgets_or_keeps_what_it_is_told_to(tmp_path: Path, *, kill: bool) -> None:
    for persistence in (False, True):
        with Broker(tmp_path, persistence=persistence) as broker:
            with WireGate(broker.host, broker.port) as gate:
                gate.publish("state", state(), retain=True)
            port = broker.port
            broker.restart(kill=kill)
            assert broker.port == port
            kept = f"{GATE}/state" in stored_topics(broker)
            assert kept is (persistence and not kill)


def stored_topics(broker: Broker) -> list[str]:
    """Retained topics, read behind a message that comes after all of them."""
    with (
        Recorder(broker.host, broker.port) as late,
        WireGate(broker.host, broker.port, base=f"{GATE}9") as gate,
    ):
        gate.publish("hb", beat(), qos=0)
        seen = late.wait_for(lambda found: any(m.topic.endswith("/hb") for m in found))
    return [message.topic for message in seen]
