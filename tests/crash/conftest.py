"""Scenes that are mostly waiting play beside the other tests, and begin with the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash import link_scenes, start_scenes, station_scenes, storage_scenes, vision_scenes

HERE = Path(__file__).parent
AT_ONCE = 4
SCENE_S = 300.0
SOAK_S = 2 * 3600.0

SCENES: Mapping[str, Callable[[Path], object]] = {
    "blackhole-normal": partial(link_scenes.blackhole, profile="normal"),
    "blackhole-high": partial(link_scenes.blackhole, profile="high"),
    "deaf-gate": link_scenes.deaf_gate,
    "deaf-broker": link_scenes.deaf_broker,
    "flapping": partial(link_scenes.flapping, lasts_s=24.0),
    "flapping-soak": partial(link_scenes.flapping, lasts_s=3600.0),
    "dns": link_scenes.dns_lies,
    "broker-forgets": station_scenes.broker_forgets,
    "station-forgets": station_scenes.station_forgets,
    "station-late": station_scenes.station_is_late,
    "station-dies": partial(station_scenes.station_dies, kills=6),
    "station-dies-soak": partial(station_scenes.station_dies, kills=300),
    "core-stopped": partial(start_scenes.hang, how="stopped"),
    "core-blocked": partial(start_scenes.hang, how="blocked"),
    "start-odd-file": partial(start_scenes.crashes, fault="odd-file"),
    "start-raising-device": partial(start_scenes.crashes, fault="raising-device"),
    "start-deadly-outbox": partial(start_scenes.crashes, fault="deadly-outbox"),
    "start-odd-commands": partial(start_scenes.crashes, fault="odd-commands"),
    "syncs-fail": partial(storage_scenes.syncs_fail, killed=False),
    "syncs-fail-killed": partial(storage_scenes.syncs_fail, killed=True),
    "turns-read-only": storage_scenes.turns_read_only,
    "vision-stopped": vision_scenes.hang,
    "vision-leaks": vision_scenes.leak,
    "safe-mode-leaves": start_scenes.leaves,
    "loss": partial(link_scenes.presses, count=24, loss=0.3, kbit=64),
    "loss-soak": partial(link_scenes.presses, count=200, loss=0.3, kbit=64),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a scene comes last of this folder: by then it has been played."""
    places = [n for n, item in enumerate(items) if item.path.parent == HERE]
    ours = sorted((items[n] for n in places), key=lambda item: bool(_asked(item)))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="session", autouse=True)
def _playing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[object]]]:
    """The scenes that tests of this session ask for, and that can be played here."""
    asking = [item for item in request.session.items if not _is_skipped(item)]
    wanted = {name for item in asking for name in _asked(item)}
    folder = tmp_path_factory.mktemp("scenes") if wanted else Path()
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield {
            name: pool.submit(scene, folder / name)
            for name, scene in SCENES.items()
            if name in wanted
        }
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def scene(request: pytest.FixtureRequest, _playing: Mapping[str, Future[object]]) -> Any:
    """What came of the test's scene."""
    (name,) = _asked(request.node)
    return _playing[name].result(SOAK_S if name.endswith("soak") else SCENE_S)


def _is_skipped(item: pytest.Item) -> bool:
    return any(marker.args[:1] == (True,) for marker in item.iter_markers("skipif"))


def _asked(item: pytest.Item | Any) -> list[str]:
    return [str(marker.args[0]) for marker in item.iter_markers("scene")]
