"""The station's file, empty, for the tests that read and write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "station.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path, "cancheng")
    yield opened
    opened.close()
