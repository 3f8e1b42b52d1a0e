"""When the station says again that it listens. Pure: seconds of the monotonic clock in.

``host/state`` is retained, but not every broker gives a retained message to every gate: each node
of a RabbitMQ cluster keeps its own, and only those that were published there. So the word is
repeated, soon after a gate was born and every ``EVERY_S``, and tells how often: a gate that misses
it takes the station as not listening, even when the will died with the broker.
"""

from __future__ import annotations

EVERY_S = 30.0
AFTER_BIRTH_S = 5.0


class HostWord:
    """Remembers when the word was given last, and whether a gate may have missed it."""

    def __init__(self) -> None:
        self._said_s = 0.0
        self._born = False

    def said(self, now_s: float) -> None:
        """It was given now."""
        self._said_s, self._born = now_s, False

    def born(self) -> None:
        """A gate connected; a word to all is due, however many gates connect at once."""
        self._born = True

    def due(self, now_s: float) -> bool:
        """True when it should be given again."""
        return now_s - self._said_s >= (AFTER_BIRTH_S if self._born else EVERY_S)
