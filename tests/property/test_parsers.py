"""Whatever bytes arrive, a parser reads them or refuses them in its own words, soon and in little.

Short here, long in the soak; ``make fuzz`` goes on from the same examples, led by coverage.
"""

from __future__ import annotations

import base64
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings

from agent.identity.request import key_pem
from contract.words import MAX_MESSAGE_BYTES
from tests.support.file_parsers import file_parsers
from tests.support.mutations import PIECES, SPELLINGS, mutated
from tests.support.parsers import GATE_KEY, GATE_PEM, REQUEST_PEM, parsers

ALL = {parser.name: parser for parser in (*parsers(), *file_parsers())}
SHORT, SOAK = 25, 20_000
LONGEST_S = 10.0
MOST_BYTES = 64 * 1024 * 1024
FILLERS = [b"[", b'{"a":', b"9", b"\n"]
BAD_YAML = [
    b'node: "\\UFFFFFFFF"',
    b'node: "\\U00110000"',
    b'node: "\\uD800"',
    b'"\\uD800": 1',
    b"%YAML " + b"9" * 5_000 + b".1\n---\na: b",
]


def pem(kind: str, der: bytes) -> bytes:
    """DER as it lies in a file."""
    return (
        f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n".encode()
    )


def der(data: bytes) -> bytes:
    """What is within a PEM file."""
    return base64.b64decode("".join(data.decode().split("-----")[2].split()))


each = pytest.mark.parametrize("name", sorted(ALL))


@each
def test_good_examples_are_read(name: str) -> None:
    for seed in ALL[name].seeds:
        ALL[name].read(seed)


@pytest.mark.parametrize(
    "count", [SHORT, pytest.param(SOAK, marks=pytest.mark.soak)], ids=["short", "soak"]
)
@each
def test_changed_examples_are_read_or_refused(name: str, count: int) -> None:
    parser, slowest_s = ALL[name], 0.0

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(parser.seeds))
    def holds(data: bytes) -> None:
        nonlocal slowest_s
        began_s = time.monotonic()
        parser.feed(data)
        slowest_s = max(slowest_s, time.monotonic() - began_s)

    holds()
    assert slowest_s < LONGEST_S


DEEP = b"[" * 5_000
UNKNOWN_KEY = der(key_pem(GATE_KEY)).replace(
    b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x02\x7f", 1
)
OLD_FORM = der(GATE_PEM).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x12", 1)
OLD_REQUEST = der(REQUEST_PEM).replace(b"\x02\x01\x00\x30", b"\x02\x01\x36\x30", 1)
ONCE_BROKE = [
    *((name, pem("CERTIFICATE", OLD_FORM)) for name in ("gate-certificate", "given-certificate")),
    *((name, pem("CERTIFICATE", OLD_FORM)) for name in ("authority-pin", "ca-certificate")),
    ("request-gate", pem("CERTIFICATE REQUEST", OLD_REQUEST)),
    ("commands-json", b'{"form":' + DEEP),
    ("commands-json", b'{"form":2,"counters":{"\\ud800":1},"ids":[],"orders":[]}'),
    ("audit-head", b'{"n":1e999,"hash":"ab","config":"c"}'),
    ("audit-head", b'{"n":' + DEEP),
    ("data-key", b'{"key":' + DEEP),
    ("watchlist-json", b'{"documents":{"1":{"status":"Actual","version":1,"hash":"\\ud800"}}}'),
    ("gate-key", pem("PRIVATE KEY", UNKNOWN_KEY)),
    ("ca-key", pem("PRIVATE KEY", UNKNOWN_KEY)),
    ("plan", b'{"hosts":[7],"port":1,"enrol_port":2,"bind":"","gate_life_s":1}'),
    ("plan", b'{"hosts":["a"],"port":1,"enrol_port":2,"bind":[],"gate_life_s":1}'),
    ("plan", b'{"hosts":["a"],"port":1,"enrol_port":2,"bind":"","gate_life_s":"1"}'),
    *((name, text) for name in ("configuration", "list-yaml") for text in BAD_YAML),
]


@pytest.mark.parametrize(("name", "data"), ONCE_BROKE)
def test_what_once_came_through_as_another_error_is_refused(name: str, data: bytes) -> None:
    ALL[name].feed(data)


@each
def test_the_worst_pieces_alone_are_read_or_refused(name: str) -> None:
    for piece in (*PIECES, *(spelled.encode() for spelled in SPELLINGS), b"", b"\n"):
        ALL[name].feed(piece)


@pytest.mark.parametrize("filler", FILLERS)
@each
def test_a_message_of_the_largest_size_takes_little_time(name: str, filler: bytes) -> None:
    began_s = time.monotonic()
    ALL[name].feed(largest(filler))
    assert time.monotonic() - began_s < LONGEST_S


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("name", sorted(parser.name for parser in parsers()))
def test_a_message_of_the_largest_size_takes_little_memory(name: str, filler: bytes) -> None:
    data = largest(filler)
    tracemalloc.start()
    try:
        ALL[name].feed(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def largest(filler: bytes) -> bytes:
    """As many bytes as a message may have, and one more."""
    return (filler * MAX_MESSAGE_BYTES)[: MAX_MESSAGE_BYTES + 1]
