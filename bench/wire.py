"""The least MQTT 3.1.1 that a simulated gate needs: packets out, packets in. No sockets.

Why not paho: its ``connect`` blocks, and there is no other; thousands of gates in one process that
come back after a restart of the broker would queue behind each other, which is what is measured. It
also costs 50 us a publish against 7, on the two cores that broker and station are measured on.
This is a load generator, never a client for a gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONNACK, PUBLISH = 2, 3
PING = b"\xc0\x00"
_PERSISTENT_WILL = 0x04 | 1 << 3 | 0x20


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH; ``mid`` is 0 with QoS 0."""

    topic: str
    payload: bytes
    mid: int


def connect(client_id: str, keepalive_s: int, will: tuple[str, bytes] | None) -> bytes:
    """CONNECT without a clean session; the will is retained, with QoS 1."""
    flags = 0 if will is None else _PERSISTENT_WILL
    head = _text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big")
    last = b"" if will is None else _text(will[0]) + _data(will[1])
    return _packet(0x10, head + _text(client_id) + last)


def publish(topic: str, payload: bytes, mid: int, *, retain: bool = False) -> bytes:
    """PUBLISH with QoS 1, or with QoS 0 when *mid* is 0."""
    number = mid.to_bytes(2, "big") if mid else b""
    return _packet(0x30 | (2 if mid else 0) | retain, _text(topic) + number + payload)


def subscribe(filters: Sequence[str], mid: int) -> bytes:
    """SUBSCRIBE with QoS 1."""
    wanted = b"".join(_text(topic) + b"\x01" for topic in filters)
    return _packet(0x82, mid.to_bytes(2, "big") + wanted)


def puback(mid: int) -> bytes:
    """PUBACK."""
    return b"\x40\x02" + mid.to_bytes(2, "big")


class Reader:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Kind, flags and body of every packet that is whole by now."""
        data = self._rest + data
        at = 0
        while (end := _end(data, at)) is not None:
            body, at_next = end
            yield data[at] >> 4, data[at] & 15, data[body:at_next]
            at = at_next
        self._rest = data[at:]


def message(flags: int, body: bytes) -> Message:
    """A PUBLISH that came in."""
    size = int.from_bytes(body[:2], "big")
    topic = body[2 : 2 + size].decode()
    if not flags & 6:
        return Message(topic, body[2 + size :], 0)
    return Message(topic, body[4 + size :], int.from_bytes(body[2 + size : 4 + size], "big"))


def _end(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at *at* begins and ends; None while it is not whole."""
    length, shift, place = 0, 0, at + 1
    while place < len(data):
        length |= (data[place] & 127) << shift
        place, shift, more = place + 1, shift + 7, data[place] & 128
        if not more:
            return (place, place + length) if place + length <= len(data) else None
    return None


def _packet(first: int, body: bytes) -> bytes:
    length, size = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 127
        size.append(digit | (128 if length else 0))
        if not length:
            return bytes((first, *size)) + body


def _text(text: str) -> bytes:
    return _data(text.encode())


def _data(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
