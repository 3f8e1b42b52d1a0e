from __future__ import annotations

from tests.unit.models.fixtures import pack, packs_dir

__all__ = ["pack", "packs_dir"]
