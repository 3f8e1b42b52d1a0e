from __future__ import annotations

from tests.unit.models.fixtures import engine, packs, packs_dir

__all__ = ["engine", "packs", "packs_dir"]
