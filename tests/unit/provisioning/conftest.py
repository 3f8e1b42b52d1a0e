from __future__ import annotations

from tests.unit.models.fixtures import engine, pack, packs_dir

__all__ = ["engine", "pack", "packs_dir"]
