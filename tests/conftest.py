"""What every test may ask for by name. Everything else is imported from where it lives."""

from __future__ import annotations

import pytest

from agent.core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-21T08:00:00Z, synced, standing still."""
    return ManualClock()
