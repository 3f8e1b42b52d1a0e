from __future__ import annotations

from tests.unit.models.fixtures import engine, pack, pack_copy, packs_dir

__all__ = ["engine", "pack", "pack_copy", "packs_dir"]
