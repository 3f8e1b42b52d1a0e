from __future__ import annotations

from tests.unit.models.fixtures import engine, packs_dir

__all__ = ["engine", "packs_dir"]
