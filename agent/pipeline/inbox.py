"""The one way in: every event passes here, critical ones first and never dropped.

``put`` runs on the loop. A critical event is dispatched in the same call, before anything else the
loop has to do; any other waits its turn, and under a flood the oldest ordinary ones give way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection

from agent.core.events import Event, InputChanged, InputState

log = logging.getLogger(__name__)

CAPACITY = 10_000
SLICE = 50


class Inbox:
    """Queues events for the dispatcher."""

    def __init__(
        self, dispatch: Callable[[Event], None], critical_devices: Collection[str]
    ) -> None:
        self._dispatch = dispatch
        self._critical = frozenset(critical_devices)
        self._queue: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._fault: Exception | None = None
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Take an event. Critical: dispatched now. Otherwise: queued."""
        if self._is_critical(event):
            self._dispatch_now(event)
            return
        if len(self._queue) >= CAPACITY:
            self._queue.popleft()
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 1000 == 0:
                log.warning("events come faster than they are handled; %d dropped", self.dropped)
        self._queue.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Dispatch queued events, a slice at a time, until cancelled or dispatching raises."""
        while True:
            await self._wake.wait()
            if self._fault is not None:
                raise self._fault
            for _ in range(min(SLICE, len(self._queue))):
                self._dispatch(self._queue.popleft())
            if not self._queue:
                self._wake.clear()
            await asyncio.sleep(0)

    def _dispatch_now(self, event: Event) -> None:
        """Whoever puts an event in cannot end the program when this fails; :meth:`run` can."""
        try:
            self._dispatch(event)
        except Exception as error:  # noqa: BLE001 - raised again by run
            self._fault = error
            self._wake.set()

    def _is_critical(self, event: Event) -> bool:
        return (
            isinstance(event, InputChanged)
            and event.state is InputState.PRESSED
            and event.device in self._critical
        )
