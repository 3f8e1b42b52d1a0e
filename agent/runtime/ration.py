"""A ration of log lines: a flood from outside is told about, not written out."""

from __future__ import annotations

from agent.core.clock import NS_PER_S

PER_MINUTE = 10
_MINUTE_NS = 60 * NS_PER_S


class Ration:
    """Lets a few through in every minute and counts the rest."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._began_ns: int | None = None
        self._taken = 0
        self._withheld = 0

    def take(self, now_ns: int) -> int | None:
        """None: leave this one out. Otherwise how many were left out since the last one.

        *now_ns* is monotonic.
        """
        if self._began_ns is None or now_ns - self._began_ns >= _MINUTE_NS:
            self._began_ns, self._taken = now_ns, 0
        if self._taken >= self._per_minute:
            self._withheld += 1
            return None
        self._taken += 1
        withheld, self._withheld = self._withheld, 0
        return withheld


def suffix(withheld: int) -> str:
    """What a line says of those that were left out before it."""
    return f" ({withheld} more like this were not logged)" if withheld else ""
