"""Links that die in silence, by halves, again and again: noticed in time, nothing lost.

Promised: shown at the gate and at the station within 90 s, 20 s in the high profile; a broker that
takes an alarm and does not acknowledge it is given up after 10 s.
"""

from __future__ import annotations

import pytest

from tests.crash.link_scenes import Flapping, Silence
from tests.tools.figures import tell

NOTICED_S = {"normal": 90.0, "high": 20.0}
UNANSWERED_S = 15.0


@pytest.mark.parametrize(
    "profile",
    [pytest.param(name, marks=pytest.mark.scene(f"blackhole-{name}")) for name in NOTICED_S],
)
def test_a_line_that_dies_in_silence_shows_at_both_ends(scene: Silence, profile: str) -> None:
    tell(
        f"blackhole, {profile}",
        gate_s=scene.gate_s,
        station_s=scene.station_s,
        healed_s=scene.healed_s,
    )
    scene.ledger.assert_sound()
    assert scene.gate_s <= NOTICED_S[profile]
    assert scene.station_s <= NOTICED_S[profile]
    assert scene.told


@pytest.mark.parametrize(
    "half",
    [pytest.param(f"deaf-{end}", marks=pytest.mark.scene(f"deaf-{end}")) for end in
     ("gate", "broker")],
)  # fmt: skip
def test_half_a_connection_is_given_up(scene: Silence, half: str) -> None:
    tell(half, noticed_s=scene.gate_s, healed_s=scene.healed_s, came_again=scene.ledger.copies)
    scene.ledger.assert_sound()
    assert scene.gate_s <= UNANSWERED_S
    assert scene.told == "no PUBACK for 10 s"
    devices = [row["id"] for row in scene.ledger.alerts]
    assert len(devices) == 3


@pytest.mark.parametrize(
    "lasts",
    [
        pytest.param("short", marks=pytest.mark.scene("flapping")),
        pytest.param("soak", marks=[pytest.mark.scene("flapping-soak"), pytest.mark.soak]),
    ],
)
def test_a_flapping_link_is_no_storm(scene: Flapping, lasts: str) -> None:
    tell(
        f"link flaps every 3 s, {lasts}",
        lasted_s=scene.lasted_s,
        connects=scene.connects,
        cpu=scene.cpu,
        healed_s=scene.healed_s,
    )
    scene.ledger.assert_sound()
    assert len(scene.ledger.alerts) >= scene.pressed
    assert scene.connects <= 2 + scene.lasted_s / 3
    assert scene.cpu <= 0.2
