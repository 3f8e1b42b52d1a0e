"""A core that dies at every start: after a few it leaves out what may be the cause, and lives.

Promised: at the tenth start at the latest panic works, doors open without faces, and heartbeat and
status name it. The faults are planted (``tests.tools.planted``); how many deaths lead to what is
in ``tests/unit/runtime/test_crash_count.py``.
"""

from __future__ import annotations

import pytest

from tests.crash.start_scenes import Crashes, Left
from tests.tools.figures import tell

FAULTS = {"odd-file": 5, "raising-device": 7, "deadly-outbox": 7, "odd-commands": 9}
NO_FOLDER = {"deadly-outbox", "odd-commands"}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=pytest.mark.scene(f"start-{fault}")) for fault in FAULTS]
)
def test_panic_works_after_crashes_at_the_start(scene: Crashes, fault: str) -> None:
    tell(f"dies at every start: {fault}", starts_that_died=scene.died)
    assert scene.died == FAULTS[fault]
    assert (scene.alert.kind, scene.siren, scene.released) == ("panic", True, True)
    assert scene.beat == "degraded"
    assert f"{scene.died} starts in a row ended in a crash" in scene.issue
    assert "gatehouse reset --safe-mode" in scene.issue
    if fault != "deadly-outbox":  # a process that is killed has no last words
        assert "planted" in scene.issue
    assert scene.after_reset == 0, "put right, and told so: the next start is a whole one"
    assert ("config" in scene.issues) is (scene.died > 5), "the file that ran well is tried last"
    assert ("the data folder is left alone" in scene.issue) is (fault in NO_FOLDER)
    assert "core" in scene.components - scene.healed


@pytest.mark.scene("safe-mode-leaves")
def test_safe_mode_ends_by_itself_and_not_in_an_alarm(scene: Left) -> None:
    assert scene.stayed
    assert scene.back
