"""What every test may ask for by name, and who runs beside whom. All else is imported from its own
place.

``make test`` runs three workers on two cores, as most of the time goes by in waiting. Tests of one
file stay in one worker, in order; so do all that share something large: the scenes of ``crash``,
the cluster of RabbitMQ nodes. These begin first. Then come the running programs, which wait, and
the models, which compute, in turn: so the cores have something to do and are not fought over.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from agent.core.clock import ManualClock

HERE = Path(__file__).parent
# Examples are the same in every run, and no slow machine fails one: a test is never about time.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
RABBIT = "test_brokers"
MIXED = 2
WAITING = frozenset({"e2e"})
COMPUTING = frozenset({"contract/models", "unit/models", "unit/vision"})


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist brings no types
    """Gives a worker all tests of a group, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(Path(nodeid.split("::", 1)[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Who runs beside whom."""
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first; what computes is spread over what waits."""
    paths = dict.fromkeys(item.path for item in items)
    place = {path: (_rank(path), 0.0) for path in paths}
    for kind in (WAITING, COMPUTING):
        those = [path for path in paths if place[path][0] == MIXED and _top(path) in kind]
        place |= {path: (MIXED, n / len(those)) for n, path in enumerate(those)}
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage has to look at it again.

    Models clear up after each picture, which thousands of tests in memory made ten times slower.
    """
    gc.collect()
    gc.freeze()


def _group(path: Path) -> str:
    if path.name.startswith(RABBIT):
        return RABBIT
    return "crash" if path.parent.name == "crash" else str(path)


def _rank(path: Path) -> int:
    if path.name.startswith(RABBIT):
        return 1
    top = _top(path)
    return 0 if top == "crash" else MIXED if top in WAITING | COMPUTING else MIXED + 1


def _top(path: Path) -> str:
    """The folder that says what a test does: ``e2e``, ``unit/models``."""
    return "/".join(path.relative_to(HERE).parts[:-1][:2])


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-21T08:00:00Z, synced, standing still."""
    return ManualClock()
