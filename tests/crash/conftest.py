"""Scenes that are mostly waiting play beside the other tests, and begin with the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash import link_scenes as play

AT_ONCE = 4
SCENE_S = 300.0
SOAK_S = 2 * 3600.0

SCENES: Mapping[str, Callable[[Path], object]] = {
    "blackhole-normal": partial(play.blackhole, profile="normal"),
    "blackhole-high": partial(play.blackhole, profile="high"),
    "deaf-gate": play.deaf_gate,
    "deaf-broker": play.deaf_broker,
    "flapping": partial(play.flapping, lasts_s=24.0),
    "flapping-soak": partial(play.flapping, lasts_s=3600.0),
    "dns": play.dns_lies,
    "loss": partial(play.presses, count=24, loss=0.3, kbit=64),
    "loss-soak": partial(play.presses, count=200, loss=0.3, kbit=64),
}


@pytest.fixture(scope="session", autouse=True)
def _playing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[object]]]:
    """The scenes that tests of this session ask for."""
    wanted = {name for item in request.session.items for name in _asked(item)}
    folder = tmp_path_factory.mktemp("scenes") if wanted else Path()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            name: pool.submit(scene, folder / name)
            for name, scene in SCENES.items()
            if name in wanted
        }


@pytest.fixture
def scene(request: pytest.FixtureRequest, _playing: Mapping[str, Future[object]]) -> Any:
    """What came of the test's scene."""
    (name,) = _asked(request.node)
    return _playing[name].result(SOAK_S if name.endswith("soak") else SCENE_S)


def _asked(item: pytest.Item | Any) -> list[str]:
    return [str(marker.args[0]) for marker in item.iter_markers("scene")]
