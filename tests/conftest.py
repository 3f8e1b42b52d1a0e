"""What every test may ask for by name, and who runs beside whom. All else is imported from its own
place.

``make test`` runs two workers. Tests of one file stay in one worker, in order; so do all that share
something large: the scenes of ``crash``, the cluster of RabbitMQ nodes. The long ones come first.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.clock import ManualClock

HERE = Path(__file__).parent
RABBIT = "test_brokers"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups for the workers, before xdist reads them; what waits longest begins first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _rank(item.path))


def _group(item: pytest.Item) -> str:
    place = item.path.relative_to(HERE)
    if place.name.startswith(RABBIT):
        return RABBIT
    return "crash" if place.parts[0] == "crash" else str(place)


def _rank(path: Path) -> int:
    place = path.relative_to(HERE)
    if place.name.startswith(RABBIT):
        return 1
    return {"crash": 0, "e2e": 2}.get(place.parts[0], 3)


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-21T08:00:00Z, synced, standing still."""
    return ManualClock()
