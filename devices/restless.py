"""Which inputs move more often than anybody moves them: a chattering contact, a noisy line. Pure.

Debouncing keeps such an input from flooding anybody; here it gets its name, so that somebody mends
it.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_NS = 10 * 1_000_000_000
EDGES = 60
KEPT_NS = 600 * 1_000_000_000


@dataclass(slots=True)
class _Moves:
    window_ns: int
    edges: int = 0
    worst: int = 0
    restless_ns: int | None = None


class Restless:
    """Feed it every edge. More than 60 within ten seconds make an input restless for 10 minutes."""

    def __init__(self) -> None:
        self._moves: dict[str, _Moves] = {}

    def edge(self, name: str, at_ns: int) -> None:
        """The contact of input *name* opened or closed at *at_ns*."""
        moves = self._moves.setdefault(name, _Moves(at_ns))
        if at_ns - moves.window_ns > WINDOW_NS:
            moves.window_ns, moves.edges = at_ns, 0
        moves.edges += 1
        if moves.edges > EDGES:
            moves.restless_ns, moves.worst = at_ns, max(moves.worst, moves.edges)

    def names(self, now_ns: int) -> dict[str, int]:
        """Restless inputs with the most edges that they made within ten seconds."""
        found = {}
        for name, moves in self._moves.items():
            if moves.restless_ns is None:
                continue
            if now_ns - moves.restless_ns > KEPT_NS:
                moves.restless_ns, moves.worst = None, 0
            else:
                found[name] = moves.worst
        return found
