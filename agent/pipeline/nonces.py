"""Fresh words of this gate: what makes a command timely while the clock is not to be trusted.

The heartbeat carries one while the clock is not synced; a command that repeats it under its
signature was signed after it was said. Durations are monotonic, and a restart forgets all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.core.clock import NS_PER_S, Clock

FRESH_S = 20
RENEWED_S = 5


@dataclass(frozen=True, slots=True)
class _Nonce:
    text: str
    made_ns: int


class Nonces:
    """The nonces that were said in the last ``FRESH_S`` seconds and not used yet."""

    def __init__(
        self, clock: Clock, make: Callable[[], str], used: Callable[[], object] = lambda: None
    ) -> None:
        """*make* returns an unguessable text of 16 to 128 letters, digits, ``-`` and ``_``.

        *used* is called when one was: the next command needs another one said.
        """
        self._clock = clock
        self._make = make
        self._used = used
        self._said: list[_Nonce] = []

    def say(self) -> str | None:
        """The nonce to publish now; None while the clock is synced and nobody needs one."""
        if self._clock.synced():
            return None
        self._forget()
        now_ns = self._clock.monotonic_ns()
        newest = self._said[-1] if self._said else None
        if newest is None or now_ns - newest.made_ns > RENEWED_S * NS_PER_S:
            newest = _Nonce(self._make(), now_ns)
            self._said.append(newest)
        return newest.text

    def use(self, text: str) -> bool:
        """True when *text* is fresh and was not used before; from now on it is used."""
        self._forget()
        found = [nonce for nonce in self._said if nonce.text == text]
        for nonce in found:
            self._said.remove(nonce)
            self._used()
        return bool(found)

    def _forget(self) -> None:
        limit_ns = self._clock.monotonic_ns() - FRESH_S * NS_PER_S
        self._said = [nonce for nonce in self._said if nonce.made_ns >= limit_ns]
