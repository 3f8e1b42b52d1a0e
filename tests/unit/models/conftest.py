from __future__ import annotations

from tests.unit.models.fixtures import engine, every_engine, pack, pack_copy, packs, packs_dir

__all__ = ["engine", "every_engine", "pack", "pack_copy", "packs", "packs_dir"]
