"""The enrolment port's answers: refusals give nothing away, and nobody tries for ever."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.join import Papers
from station.trust.questions import MAX_ADDRESSES, MAX_FAILURES, WINDOW_S, Caller, Questions
from tests.support.trust import Bench, request_of

STRANGER = Caller("192.0.2.9", "")


class Counter:
    """Questions on a bench, with what was told."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.told: list[tuple[str, dict[str, object]]] = []
        self.now_s = 0.0
        self.questions = Questions(
            bench.office, "AUTHORITY", lambda e, a: self.told.append((e, a)), lambda: self.now_s
        )

    def join(self, secret: bytes, caller: Caller = STRANGER) -> dict[str, object]:
        """Ask to join."""
        text = base64.b64encode(secret).decode()
        question = {"op": "join", "secret": text, "request": request_of().decode()}
        return self.questions.answer(caller, question)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    bench = Bench(tmp_path / "st")
    yield Counter(bench)
    bench.close()


def test_anybody_may_have_the_authority(counter: Counter) -> None:
    assert counter.questions.answer(STRANGER, {"op": "authority"}) == {"authority": "AUTHORITY"}


def test_joining_renewing_confirming(counter: Counter) -> None:
    answer = counter.join(counter.bench.token().secret)
    papers = Papers.from_json(answer)
    serial = counter.told[0][1]["serial"]
    bearer = Caller("192.0.2.9", str(serial))
    assert counter.questions.answer(bearer, {"op": "confirm"}) == {"confirmed": serial}
    question = {"op": "renew", "request": request_of().decode()}
    assert "BEGIN CERTIFICATE" in str(counter.questions.answer(bearer, question)["certificate"])
    assert [event for event, _ in counter.told] == ["enrolled", "confirmed", "renewed"]
    assert papers.gate.client_id == counter.told[0][1]["gate"]


@pytest.mark.parametrize("op", ["renew", "confirm"])
def test_without_a_certificate_nothing_is_renewed(counter: Counter, op: str) -> None:
    answer = counter.questions.answer(STRANGER, {"op": op, "request": request_of().decode()})
    assert answer == {"error": "this needs the gate's certificate"}


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"op": "steal"},
        {"op": 5},
        {"op": "join"},
        {"op": "join", "secret": "€", "request": "x"},
        {"op": "join", "secret": "AAAA", "request": 7},
        {"op": "join", "secret": "", "request": ""},
    ],
)
def test_nonsense_is_refused(counter: Counter, question: dict[str, object]) -> None:
    assert list(counter.questions.answer(STRANGER, question)) == ["error"]
    assert counter.told[-1][0] == "enrolment-refused"


def test_who_guesses_is_not_listened_to_for_a_while(counter: Counter) -> None:
    good = counter.bench.token()
    for n in range(MAX_FAILURES):
        assert "did not issue" in str(counter.join(bytes([n]) * 20)["error"])
    assert "too many" in str(counter.join(good.secret)["error"])
    assert "gate" in counter.join(good.secret, Caller("192.0.2.10", ""))
    counter.now_s += WINDOW_S + 1
    assert "too many" not in str(counter.join(good.secret).get("error"))


def test_guessing_from_everywhere_takes_bounded_memory(counter: Counter) -> None:
    for n in range(MAX_ADDRESSES + 10):
        counter.questions._attempts.failed(f"2001:db8::{n:x}")
    assert len(counter.questions._attempts._failed) == MAX_ADDRESSES
