"""A watchlist's store while the gate is in safe mode."""

from __future__ import annotations

from typing import NoReturn

from agent.core.errors import StoreError
from agent.watchlist.store import WatchlistStore


class ClosedWatchlist(WatchlistStore):
    """Empty, and stays so: what is on the disk is neither read nor changed."""

    closed = True

    def _save(self, *_: object) -> NoReturn:
        raise StoreError("safe mode: the watchlist is closed")
