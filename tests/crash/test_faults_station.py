"""Brokers and stations that forget, die and answer late: the gate keeps what nobody acked.

A broker's PUBACK is not delivery (mosquitto's is not even durable); the station's ack is, and the
station acks what it has stored.
"""

from __future__ import annotations

import pytest

from tests.crash.station_scenes import WAITING, Dying, Forgotten, Late
from tests.tools.figures import tell

HEALED_S = 30.0


@pytest.mark.parametrize(
    "who",
    [pytest.param(f"{who}-forgets", marks=pytest.mark.scene(f"{who}-forgets")) for who in
     ("broker", "station")],
)  # fmt: skip
def test_what_was_taken_and_forgotten_is_sent_again(scene: Forgotten, who: str) -> None:
    tell(who, alarms=len(WAITING), healed_s=scene.healed_s)
    scene.ledger.assert_sound()
    assert len(scene.ledger.presses) == 1 + len(WAITING)
    assert scene.healed_s <= HEALED_S


@pytest.mark.scene("station-late")
def test_a_late_ack_ends_the_sending(scene: Late) -> None:
    tell("station acks late", waited_s=scene.waited_s, copies=scene.before, after=scene.after)
    assert scene.before == 2
    assert scene.after == 0


@pytest.mark.parametrize(
    "lasts",
    [
        pytest.param("short", marks=pytest.mark.scene("station-dies")),
        pytest.param("soak", marks=[pytest.mark.scene("station-dies-soak"), pytest.mark.soak]),
    ],
)
def test_a_station_killed_between_receipt_and_ack(scene: Dying, lasts: str) -> None:
    ledger = scene.ledger
    tell(f"station killed, {lasts}", stored=len(ledger.rows), came_again=ledger.copies)
    ledger.assert_sound()
