"""Vision that hangs, or takes more memory than it may: killed in time, back, panic as before.

Promised: a hung part is killed within 10 s. A supervisor stands in systemd's place and does what
the unit says; the kernel kills for memory by itself. More in ``tests/e2e/test_vision_stops.py``.
"""

from __future__ import annotations

import signal

import pytest

from tests.crash.vision_scenes import Hang, Leak
from tests.tools import memory_group
from tests.tools.figures import tell
from tests.tools.videos import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

KILLED_S = 10.0
SLACK_S = 0.5
PRESSED_S = 2.0
NO_GROUP = memory_group.missing()


@pytest.mark.scene("vision-stopped")
def test_vision_that_hangs_is_killed_and_back(scene: Hang) -> None:
    """The program first; then its capture alone, which costs nobody else."""
    tell(
        "vision hangs",
        killed_after_s=scene.killed_s,
        pictures_again_s=scene.back_s,
        press_to_station_s=scene.pressed_s,
        capture_killed_after_s=scene.capture_killed_s,
        its_pictures_again_s=scene.capture_back_s,
    )
    scene.ledger.assert_sound()
    assert scene.silent
    assert scene.killed_s <= KILLED_S + SLACK_S
    assert scene.capture_killed_s <= KILLED_S + SLACK_S
    assert scene.pressed_s <= PRESSED_S
    assert scene.left == []
    assert scene.lives == 2, "a capture that hangs does not cost its program"


@pytest.mark.skipif(bool(NO_GROUP), reason=NO_GROUP)
@pytest.mark.scene("vision-leaks")
def test_vision_that_leaks_is_killed_by_the_kernel_and_back(scene: Leak) -> None:
    tell("vision leaks", kernel_kills=scene.kills, press_to_station_s=scene.pressed_s)
    scene.ledger.assert_sound()
    assert scene.kills >= 1
    assert scene.codes == {-signal.SIGKILL}
    assert scene.camera == ["Alert", "Cancel"]
    assert scene.pressed_s <= PRESSED_S
    assert scene.same_core
