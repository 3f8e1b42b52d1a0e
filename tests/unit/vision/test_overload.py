"""With more to look at than the machine can, fewer frames are looked at, and none is older."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.camera import MAX_AGE_S
from models.engine import PackEngine
from tests.support.overload import FPS, STEP_S, World

PERIOD_S = 1 / FPS
LEAST_S, LOOKS = 2.0, 32
Made = Callable[[int, float], tuple[World, float]]


@pytest.fixture
def watched(tmp_path: Path, engine: PackEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """So many cameras, watched for some thirty looks of so many seconds; and for how long."""
    worlds: list[World] = []

    def make(cameras: int, work_s: float) -> tuple[World, float]:
        made = World(tmp_path, engine, monkeypatch.setattr, cameras)
        worlds.append(made)
        made.work_s = work_s
        seconds = max(LEAST_S, LOOKS * work_s)
        made.run(seconds)
        return made, seconds

    yield make
    for one in worlds:
        one.close()


@pytest.mark.parametrize("work_s", [0.0, 0.02, 0.1, 0.4, 1.0])
def test_a_slow_look_costs_frames_and_the_next_is_as_fresh(watched: Made, work_s: float) -> None:
    made, seconds = watched(1, work_s)
    most, fewest = seconds / max(work_s, PERIOD_S), seconds / (work_s + PERIOD_S + STEP_S)
    assert fewest - 2 <= len(made.looks) <= most + 2
    assert max(look.age_s for look in made.looks) <= PERIOD_S + 2 * STEP_S


@pytest.mark.parametrize("work_s", [0.02, 0.1, 0.15, 0.4, 1.0])
def test_four_cameras_share_a_slow_machine(watched: Made, work_s: float) -> None:
    made, seconds = watched(4, work_s)
    looks = Counter(look.camera for look in made.looks)
    assert looks.total() >= seconds / max(work_s + PERIOD_S, PERIOD_S / 4) / 2
    assert min(looks[f"cam-{number}"] for number in range(4)) >= looks.total() / 4 / 2
    assert max(look.age_s for look in made.looks) <= MAX_AGE_S
