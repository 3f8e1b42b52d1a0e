"""From a press to the station's ack: on a clean line, and on one that loses three packets of ten.

The bad line is a real one to TCP: a network namespace whose loopback drops at random in both
directions and carries 64 kbit/s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.link_scenes import Lied, Presses, presses
from tests.tools.figures import percentile, tell
from tests.tools.netns import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

CLEAN_P95_S = 2.0
BAD_MAX_S = 30.0


def shown(line: str, came: Presses) -> None:
    """The figures, and what holds on every line."""
    tell(
        line,
        presses=len(came.waits_s),
        p50_s=percentile(came.waits_s, 0.5),
        p95_s=percentile(came.waits_s, 0.95),
        max_s=max(came.waits_s),
        after_reset_s=came.after_reset_s,
        connects=came.connects,
    )
    came.ledger.assert_sound()


def test_press_to_ack_on_a_clean_line(tmp_path: Path) -> None:
    came = presses(tmp_path / "site", 20)
    shown("press to ack, clean", came)
    assert percentile(came.waits_s, 0.95) <= CLEAN_P95_S


@pytest.mark.parametrize(
    "lasts",
    [
        pytest.param("short", marks=pytest.mark.scene("loss")),
        pytest.param("soak", marks=[pytest.mark.scene("loss-soak"), pytest.mark.soak]),
    ],
)
def test_press_to_ack_with_loss(scene: Presses, lasts: str) -> None:
    shown(f"press to ack, 30 % loss at 64 kbit/s, {lasts}", scene)
    assert max(*scene.waits_s, scene.after_reset_s) <= BAD_MAX_S


@pytest.mark.scene("dns")
def test_a_lying_name_server_leads_nowhere(scene: Lied) -> None:
    """Each lie is told apart; plain text meant for this machine never leaves it."""
    tell("name server lies", told=scene.told, healed_s=scene.healed_s)
    scene.ledger.assert_sound()
    assert len(scene.ledger.presses) == 1 + len(scene.told)
    assert "not this machine" in scene.told[0]
    assert scene.heard == 0
