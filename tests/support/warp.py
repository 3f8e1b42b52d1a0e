"""An event loop whose time jumps to the next timer: waiting costs nothing and order is kept.

For code that waits with ``asyncio`` and does everything else inline; threads and sockets would be
waited for in vain.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Jump(selectors.SelectSelector):
    """Looks for events without waiting, and moves the loop's time instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now; *timeout* passes at once."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen")
            self.now_s += max(timeout, 0.0)
        return ready


class WarpLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Seconds that were waited for."""
        return self._jump.now_s


def warped(story: Coroutine[Any, Any, _T]) -> _T:
    """What *story* returns."""
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        return runner.run(story)
