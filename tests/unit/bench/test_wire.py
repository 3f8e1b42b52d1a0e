"""The bench's own MQTT: what paho's broker side would read, in pieces of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import wire


@given(st.lists(st.binary(max_size=400), max_size=5), st.integers(1, 50))
def test_packets_come_whole_however_the_stream_is_cut(bodies: list[bytes], size: int) -> None:
    stream = b"".join(wire.publish("a/b", body, n) for n, body in enumerate(bodies))
    reader, found = wire.Reader(), []
    for at in range(0, len(stream), size):
        found += list(reader.feed(stream[at : at + size]))
    messages = [wire.message(flags, body) for kind, flags, body in found if kind == wire.PUBLISH]
    assert messages == [wire.Message("a/b", body, n) for n, body in enumerate(bodies)]


@pytest.mark.parametrize(
    ("packet", "octets"),
    [
        (wire.connect("g", 30, None), "10 0d 0004 4d515454 04 00 001e 0001 67"),
        (
            wire.connect("g", 30, ("t", b"x")),
            "10 13 0004 4d515454 04 2c 001e 0001 67 0001 74 0001 78",
        ),
        (wire.publish("t", b"x", 0), "30 04 0001 74 78"),
        (wire.publish("t", b"x", 7, retain=True), "33 06 0001 74 0007 78"),
        (wire.subscribe(["t"], 7), "82 06 0007 0001 74 01"),
        (wire.puback(258), "40 02 0102"),
        (wire.publish("t", b"x" * 125, 0)[:3], "30 80 01"),
    ],
)
def test_packets_are_those_of_the_standard(packet: bytes, octets: str) -> None:
    assert packet == bytes.fromhex(octets)
