"""A disk that fails under the whole agent: alarms go out, it is told, nothing accepted is lost.

Syncs are refused by the kernel (strace), an ext4 turns itself read-only. Full and damaged disks are
in ``tests/e2e/test_bad_input_storage.py``, power cuts in ``tests/property``.
"""

from __future__ import annotations

import pytest

from tests.crash.storage_scenes import AFTER, BEFORE, DURING, Failing
from tests.tools.figures import tell

PRESSED_S = 2.0


def sound(fault: str, scene: Failing, kills: int) -> None:
    """What holds whatever the disk does."""
    tell(
        fault,
        accepted=len(scene.ledger.accepted),
        lost=len(scene.ledger.lost),
        cut_off=len(scene.ledger.cut_off),
        syncs_failed=scene.failed,
        press_to_station_s=scene.pressed_s,
    )
    scene.ledger.assert_sound(kills=kills)
    assert scene.siren
    assert scene.pressed_s <= PRESSED_S
    assert "alarms are kept in memory only" in scene.issue
    assert scene.state == "degraded"
    assert sorted(scene.late) == sorted([*BEFORE, *DURING, *AFTER])


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("mended", marks=pytest.mark.scene("syncs-fail")),
        pytest.param("killed", marks=pytest.mark.scene("syncs-fail-killed")),
    ],
)
def test_every_sync_fails_from_the_third_on(scene: Failing, end: str) -> None:
    sound(f"every sync fails, {end}", scene, kills=1 + (end == "killed"))
    assert scene.failed >= 2
    # A life that is killed does not tell the end of what it told.
    assert scene.told == (["Alert"] if end == "killed" else ["Alert", "Cancel"])


@pytest.mark.scene("turns-read-only")
def test_the_disk_turns_read_only_with_alarms_waiting_on_it(scene: Failing) -> None:
    sound("disk turns read-only", scene, kills=1)
    assert scene.told == ["Alert", "Cancel"]
