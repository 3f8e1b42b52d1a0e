"""A store that is not opened at all: the outbox then lives in memory and says so.

For a gate in safe mode that died again and again while it opened the real one, whose files stay as
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from agent.core.errors import StoreError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits


class NoStore:
    """An ``OutboxStore`` that refuses everything with the same reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def open(self) -> Counters:
        """Refused."""
        self._refuse()

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def fill(self) -> Fill:
        """Refused."""
        self._refuse()

    def evict(self, limits: Limits, now_utc_ns: int) -> int:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def has_room(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to give back."""

    def _refuse(self) -> NoReturn:
        raise StoreError(self._reason)
