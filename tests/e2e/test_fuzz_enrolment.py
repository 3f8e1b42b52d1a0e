"""Garbage at the enrolment port, over plain sockets and over TLS; then a real gate joins."""

from __future__ import annotations

import json
import random
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import psutil
import pytest

from agent.files.tls import pinned_context
from contract.join import HEADER_BYTES, MAX_QUESTION_BYTES, pack
from station.trust.port import CALL_S, MAX_CALLERS
from tests.support.parsers import REQUEST_PEM
from tests.tools.figures import tell
from tests.tools.hostile import SEED, hostile
from tests.tools.trusted import TrustedStation

MOST_GROWN = 48 * 1024 * 1024
ANSWERED_S = 30.0
COUNTS = pytest.mark.parametrize(
    "count", [150, pytest.param(20_000, marks=pytest.mark.soak)], ids=["short", "soak"]
)
QUESTIONS = (
    pack({"op": "authority"}),
    pack({"op": "join", "secret": "AAAA" * 7, "request": REQUEST_PEM.decode()}),
    pack({"op": "renew", "request": REQUEST_PEM.decode()}),
    pack({"op": "confirm"}),
    (MAX_QUESTION_BYTES + 1).to_bytes(HEADER_BYTES, "big") + b"{" * (MAX_QUESTION_BYTES + 1),
    (0xFFFFFFFF).to_bytes(HEADER_BYTES, "big"),
)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustedStation]:
    with TrustedStation(tmp_path_factory.mktemp("fuzz-enrolment")) as made:
        yield made.start()


class Watch:
    """The station before the garbage, and that it is the same after it."""

    def __init__(self, station: TrustedStation) -> None:
        self._station = station
        self._pid = station.program.pid
        self._process = psutil.Process(self._pid)
        self._resident = self._process.memory_info().rss
        self._enrolled = len(station.events("enrolled"))

    def holds(self, name: str, node: str) -> None:
        """Nobody got in; a real gate does."""
        station = self._station
        assert (station.program.running, station.program.pid) == (True, self._pid)
        assert len(station.events("enrolled")) == self._enrolled
        assert "Traceback" not in station.program.log
        grown = self._process.memory_info().rss - self._resident
        tell(name, station_grown_mb=grown / 1e6, threads=self._process.num_threads())
        assert grown < MOST_GROWN
        station.until(lambda: self._process.num_threads() < MAX_CALLERS, 2 * CALL_S)
        gate = station.gate(node)
        assert gate.join()["confirmed"]
        assert len(station.events("enrolled")) == self._enrolled + 1


def plain(station: TrustedStation) -> socket.socket:
    """A connection, before any TLS."""
    place = station.enrolment
    return socket.create_connection((place.host, place.port), ANSWERED_S)


def wrapped(station: TrustedStation, stack: ExitStack) -> ssl.SSLSocket:
    """A connection that trusts the station and shows nothing."""
    context = pinned_context(station.trust.files.authority)
    sock = stack.enter_context(plain(station))
    return stack.enter_context(context.wrap_socket(sock, server_hostname=station.enrolment.host))


@COUNTS
def test_garbage_instead_of_tls(station: TrustedStation, count: int) -> None:
    watch = Watch(station)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32) + b"\x20" + bytes(500)
    for data in hostile([hello, *QUESTIONS, b"GET / HTTP/1.1\r\n\r\n"], count):
        with plain(station) as sock, suppress(OSError):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    watch.holds("garbage instead of TLS", f"gate-plain-{count}")


@COUNTS
def test_garbage_within_tls(station: TrustedStation, count: int) -> None:
    watch = Watch(station)
    answers = 0
    for data in hostile(QUESTIONS, count):
        with ExitStack() as stack, suppress(OSError):
            wire = wrapped(station, stack)
            wire.sendall(data)
            wire.settimeout(0.05 if len(data) < HEADER_BYTES else 0.5)
            found = wire.recv(65_536)
            answers += bool(found)
            assert b"BEGIN CERTIFICATE" not in found or b"authority" in found[:20]
    tell("garbage within TLS", asked=count, answered=answers)
    watch.holds("garbage within TLS", f"gate-tls-{count}")


def test_callers_who_trickle_are_cut_off_in_time(station: TrustedStation) -> None:
    """More than the port serves at once, each with a byte now and then, in and before TLS."""
    watch, chance = Watch(station), random.Random(SEED)  # noqa: S311 - seeded
    with ExitStack() as stack:
        callers: list[socket.socket] = [wrapped(station, stack) for _ in range(MAX_CALLERS // 2)]
        callers += [stack.enter_context(plain(station)) for _ in range(MAX_CALLERS)]
        began_s, left = time.monotonic(), list(callers)
        while left and time.monotonic() - began_s < 5 * CALL_S:
            for caller in list(left):
                caller.settimeout(0.01)
                try:
                    caller.sendall(chance.choice([b"\0", b"\x16", b"{"]))
                except OSError:
                    left.remove(caller)
            time.sleep(0.2)
        assert not left
        told = station.events("enrolment-refused")
        assert any(event["reason"] == "too slow" for event in told)
    watch.holds("trickling callers", "gate-trickle")


def test_what_is_told_of_garbage_is_bounded(station: TrustedStation) -> None:
    lines = [line for line in station.program.log.splitlines() if line.startswith("{")]
    assert max(len(json.dumps(json.loads(line))) for line in lines) < 4096
