"""The site's transform of templates: opened with the gate's secrets, renewed with its keys.

A file that cannot be used is set aside: the lists' templates are then of no known transform, and
the station is told which entries it must send again. Not here: seeds (``agent.watchlist``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from agent.core.errors import StoreError
from agent.files.transforms import FILE, SiteTransforms
from agent.vault import TRANSFORMS, Vault

DAMAGED = f"{FILE}.damaged"
Issue = Callable[[str, str, str], None]


def open_transforms(vault: Vault, folder: Path, issue: Issue) -> SiteTransforms:
    """The seeds kept in *folder*; each rotation of the gate's keys brings a new one."""
    path, seal = folder / FILE, vault.seal(TRANSFORMS)
    try:
        transforms = SiteTransforms(path, seal)
    except StoreError as error:
        issue("transforms", "watchlist", f"{error}; templates must be made or sent again")
        with contextlib.suppress(OSError):
            path.replace(path.with_name(DAMAGED))
        transforms = SiteTransforms(path, seal, load=False)
    vault.reseal_by(TRANSFORMS, transforms.renew)
    return transforms
