"""The child's end of the socket to its parent. Never blocks on sending: the stream comes first."""

from __future__ import annotations

import select
import socket

from devices.capture_wire import (
    MAX_MESSAGE,
    MAX_REQUEST,
    MAX_TEXT,
    CaptureRequest,
    Ended,
    Order,
    Report,
    decode_order,
    decode_request,
    encode,
)

_LAST_WORD_S = 1.0


class ParentGoneError(Exception):
    """The parent hung up: there is nobody left to capture for."""


class ChildLink:
    """Reports go out, orders come in."""

    def __init__(self, sock: socket.socket) -> None:
        """*sock* is one end of a Unix SOCK_SEQPACKET pair."""
        self._socket = sock

    def request(self) -> CaptureRequest:
        """Wait for the first message; ParentGoneError when none comes."""
        self._socket.setblocking(True)
        data = self._socket.recv(MAX_REQUEST)
        self._socket.setblocking(False)
        if not data:
            raise ParentGoneError
        return decode_request(data)

    def send(self, report: Report) -> bool:
        """Send now or not at all; False when the parent does not read."""
        try:
            self._socket.send(encode(report))
        except BlockingIOError:
            return False
        except OSError as error:
            raise ParentGoneError from error
        return True

    def last_word(self, ended: Ended) -> None:
        """Say why the capture ends, in printable text; waits a moment for a busy parent."""
        text = "".join(c if c.isprintable() else "?" for c in ended.reason)[:MAX_TEXT]
        select.select([], [self._socket], [], _LAST_WORD_S)
        self.send(Ended(ended.cause, text))

    def orders(self) -> list[Order]:
        """Everything the parent wants by now; ParentGoneError when it hung up."""
        orders: list[Order] = []
        while True:
            try:
                data = self._socket.recv(MAX_MESSAGE)
            except BlockingIOError:
                return orders
            except OSError as error:
                raise ParentGoneError from error
            if not data:
                raise ParentGoneError
            orders.append(decode_order(data))

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until the parent says something; True when it did."""
        return bool(select.select([self._socket], [], [], max(seconds, 0.0))[0])
