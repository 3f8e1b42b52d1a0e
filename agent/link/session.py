"""When to connect, to which broker, in which protocol, and when a connection is given up. Pure.

A connection that the broker took and closed soon, three times without a steady one between, is
``closed-again``: two agents with one identity throw each other out like that, and not every broker
says so. A steady connection that the broker closes was probably everybody's: the broker restarts,
and thousands of gates would be back within a second, at a broker that takes 240 TLS connections in
that time. A gate that has nothing to send stands back for a random part of ``RETURN_SPREAD_S``.

Addresses are tried in their order; after a failure or a loss the next one is tried. With several,
each is asked twice within half a second each, and only then does waiting begin, until a connection
was steady: a cluster that lost a node takes connections at once, but RabbitMQ ends them again until
its queues have elected leaders. ``auto`` prefers MQTT 5 and asks a broker that does not speak it,
or hangs up, in 3.1.1 at once (never in plain text: TLS is the
address's).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from agent.core.backoff import Backoff

Protocol = Literal["5", "3.1.1"]
TAKEN_OVER_S = 30.0
QUICK_S = 0.5
ROUNDS = 2
CLOSED_AGAIN = 3
RETURN_SPREAD_S = 40.0


class Phase(StrEnum):
    """Where the link stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    UP = "up"
    WAITING = "waiting"
    STOPPED = "stopped"


class Signal(StrEnum):
    """What can happen to it."""

    START = "start"
    ACCEPTED = "accepted"
    FAILED = "failed"
    LOST = "lost"
    RETRY = "retry"
    STOP = "stop"


TRANSITIONS = {
    (Phase.IDLE, Signal.START): Phase.CONNECTING,
    (Phase.CONNECTING, Signal.ACCEPTED): Phase.UP,
    (Phase.CONNECTING, Signal.FAILED): Phase.WAITING,
    (Phase.UP, Signal.LOST): Phase.WAITING,
    (Phase.WAITING, Signal.RETRY): Phase.CONNECTING,
    **{(phase, Signal.STOP): Phase.STOPPED for phase in Phase},
}


class LinkFault(StrEnum):
    """Why a connection could not be made or was lost, as far as it makes a difference.

    RENEWED is our own doing: the next connection shows another certificate.
    """

    UNREACHABLE = "unreachable"
    TLS = "tls"
    LOGIN = "login-refused"
    PROTOCOL = "protocol"
    TAKEN_OVER = "taken-over"
    SILENT = "silent"
    CLOSED = "closed"
    CLOSED_AGAIN = "closed-again"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which address (by index) to try in which protocol."""

    address: int
    protocol: Protocol


class Session:
    """The link's memory over all its connections."""

    def __init__(
        self, addresses: int, protocol: Literal["auto", "5", "3.1.1"], backoff: Backoff
    ) -> None:
        self._addresses = addresses
        self._auto = protocol == "auto"
        self._fixed: Protocol = "3.1.1" if protocol == "3.1.1" else "5"
        self._learned: dict[int, Protocol] = {}
        self._address = 0
        self._backoff = backoff
        self._closed = 0
        self._moves = 0
        self._guessed: int | None = None
        self._was_steady = False
        self._spread_s = 0.0
        self.phase = Phase.IDLE

    def attempt(self) -> Attempt:
        """What to try next."""
        protocol = self._learned.get(self._address, "5") if self._auto else self._fixed
        return Attempt(self._address, protocol)

    def signal(self, signal: Signal) -> None:
        """Move on; an illegal move raises ValueError."""
        try:
            self.phase = TRANSITIONS[self.phase, signal]
        except KeyError:
            raise ValueError(f"the link cannot take '{signal}' while {self.phase}") from None

    def accepted(self) -> None:
        """The broker took the connection."""
        self.signal(Signal.ACCEPTED)
        self._was_steady = False
        self._learned[self._address] = self.attempt().protocol
        self._guessed = None

    def steady(self) -> None:
        """The connection has carried for a while: forget earlier failures."""
        self._backoff.succeeded()
        self._closed = self._moves = 0
        self._was_steady = True

    def failed(self, fault: LinkFault) -> float:
        """The attempt failed; seconds to wait before the next one."""
        self.signal(Signal.FAILED)
        if self._auto and fault in (LinkFault.PROTOCOL, LinkFault.CLOSED):
            tried, first = self.attempt().protocol, self._address not in self._learned
            self._learned[self._address] = "3.1.1" if tried == "5" else "5"
            if first:
                self._guessed = self._address if fault is LinkFault.CLOSED else None
                return 0.0
            if fault is LinkFault.PROTOCOL and tried == "5":
                return self._backoff.failed()
        elif self._guessed == self._address:
            del self._learned[self._address]
        return self._move()

    def turn(self) -> None:
        """The next attempt is for the next address: behind this one nobody answers."""
        self._address = (self._address + 1) % self._addresses

    def left(self) -> float:
        """We ended the connection ourselves; another attempt is due at once."""
        self.signal(Signal.LOST)
        return 0.0

    def lost(self, fault: LinkFault) -> tuple[LinkFault, float]:
        """The connection was lost: what it was, and seconds to wait before the next attempt.

        Brokers of a cluster that restart in turn are not yet ``closed-again``.
        """
        self.signal(Signal.LOST)
        if fault is LinkFault.TAKEN_OVER:
            return fault, max(self._backoff.failed(), TAKEN_OVER_S)
        self._closed += fault is LinkFault.CLOSED
        if fault is LinkFault.CLOSED and self._closed >= CLOSED_AGAIN * self._addresses:
            fault = LinkFault.CLOSED_AGAIN
        if fault is LinkFault.CLOSED and self._was_steady:
            self._spread_s = self._backoff.part_of(RETURN_SPREAD_S)
        return fault, self._move()

    def spread_s(self) -> float:
        """Seconds to stand back besides, while nothing has to be sent; told once for every loss."""
        spread_s, self._spread_s = self._spread_s, 0.0
        return spread_s

    def _move(self) -> float:
        """On to the next address; seconds to wait before it is asked."""
        self._guessed = None
        self._address = (self._address + 1) % self._addresses
        if self._addresses > 1 and self._moves < ROUNDS * self._addresses:
            self._moves += 1
            return QUICK_S / 2 + self._backoff.part_of(QUICK_S / 2)
        return self._backoff.failed()
