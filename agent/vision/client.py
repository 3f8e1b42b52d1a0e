"""The vision program's end of the border: connects to the core and stays connected.

Never blocks: a core that does not read loses beats and sightings of that moment, nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from agent.border import messages as border
from agent.border.channel import Channel, ChannelFullError, Packet, connect
from agent.core.backoff import Backoff

log = logging.getLogger(__name__)


class CoreClient:
    """A connection that comes back. ``hello`` makes the first message of each."""

    def __init__(
        self,
        path: Path,
        backoff: Backoff,
        monotonic_s: Callable[[], float],
        hello: Callable[[], border.Hello],
    ) -> None:
        self._path = path
        self._backoff = backoff
        self._monotonic_s = monotonic_s
        self._hello = hello
        self._channel: Channel | None = None
        self._retry_s = 0.0
        self._told = False

    @property
    def connected(self) -> bool:
        """True while the core listens."""
        return self._channel is not None

    def fileno(self) -> int | None:
        """For select; None while not connected."""
        return None if self._channel is None else self._channel.fileno()

    def ensure(self) -> bool:
        """Connect if it is time to; True when a new connection was made."""
        if self._channel is not None or self._monotonic_s() < self._retry_s:
            return False
        try:
            self._channel = connect(self._path)
        except OSError as error:
            self._retry_s = self._monotonic_s() + self._backoff.failed()
            if not self._told:
                log.warning("the core does not listen at %s: %s", self._path, error)
            self._told = True
            return False
        self._backoff.succeeded()
        self._told = False
        log.info("connected to the core")
        self.send(self._hello())
        return True

    def send(self, message: border.FromVision, beside: bytes = b"") -> bool:
        """Tell the core; False when it does not hear."""
        if self._channel is None:
            return False
        try:
            self._channel.send(border.encode(message), beside)
        except ChannelFullError:
            return False
        except border.BorderError as error:
            self._lost(str(error))
            return False
        return True

    def receive(self) -> tuple[border.FromCore, bytes] | None:
        """What the core said, with the bytes beside it; None when there is nothing now."""
        if self._channel is None:
            return None
        try:
            packet: Packet | None = self._channel.receive()
            return None if packet is None else (border.decode_from_core(packet.data), packet.beside)
        except border.BorderError as error:
            self._lost(str(error))
            return None

    def close(self) -> None:
        """Hang up."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _lost(self, reason: str) -> None:
        log.warning("the core is gone: %s", reason)
        self.close()
        self._retry_s = self._monotonic_s() + self._backoff.failed()
