"""A station's file: where it lies, and open to write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where it lies."""
    return tmp_path / "station.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """It, open to write."""
    opened = Store(path, "cancheng")
    yield opened
    opened.close()
