"""Twenty alarms a second: a thread that presses every panic button in turn, whoever listens.

Each button is reset half a round after its press, so that its next press is an alarm of its own.
An agent that does not answer right now costs presses, never the stream.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from agent.core.errors import GatehouseError
from tests.tools.program import until
from tests.tools.site import Site
from tests.tools.site_config import PANICS

PER_S = 20.0
PRESS_S = 0.06
LATE = 10


class Stream:
    """A context manager; presses while entered. ``pressed`` counts those that were taken.

    ``longest_s`` is the longest time between two of them: what a busy machine makes of the pace.
    """

    def __init__(self, site: Site, per_s: float = PER_S) -> None:
        self._site = site
        self._gap_s = 1 / per_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
        self.pressed = 0
        self.longest_s = 0.0
        self._pressed_s = float("inf")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(10)

    def go_on(self, presses: int) -> None:
        """Wait until so many more were taken."""
        wanted = self.pressed + presses
        until(lambda: self.pressed >= wanted, presses * self._gap_s * LATE, self._site.told)

    def _run(self) -> None:
        due_s = time.monotonic()
        number = 0
        while not self._stop.wait(max(due_s - time.monotonic(), 0)):
            due_s = max(due_s + self._gap_s, time.monotonic() - 1)
            self._step(number)
            number += 1

    def _step(self, number: int) -> None:
        half = len(PANICS) // 2
        try:
            self._site.push(PANICS[number % len(PANICS)], PRESS_S)
            self.pressed += 1
            now_s = time.monotonic()
            self.longest_s = max(self.longest_s, now_s - self._pressed_s)
            self._pressed_s = now_s
            self._site.ask("reset", name=PANICS[(number + half) % len(PANICS)])
        except GatehouseError:
            return
