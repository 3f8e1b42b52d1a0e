"""A core that hangs: killed in time, back in time, panic as before.

Promised: a hung part is killed within 10 s, panic is live at most 3 s after a start. A supervisor
stands in systemd's place and does what the unit says. Vision is ``test_faults_vision``'s.
"""

from __future__ import annotations

import pytest

from tests.crash.start_scenes import Hang
from tests.tools.figures import tell

KILLED_S = 10.0
SLACK_S = 0.5
LIVE_S = 6.0  # beside other scenes; alone it is test_faults_restart's 3 s


@pytest.mark.parametrize(
    "how",
    [pytest.param(how, marks=pytest.mark.scene(f"core-{how}")) for how in ("stopped", "blocked")],
)
def test_a_core_that_hangs_is_killed_and_back(scene: Hang, how: str) -> None:
    tell(f"core {how}", killed_after_s=scene.killed_s, live_after_start_s=scene.live_s)
    scene.ledger.assert_sound(kills=1)
    assert scene.silent
    assert scene.killed_s <= KILLED_S + SLACK_S
    assert scene.live_s <= LIVE_S
