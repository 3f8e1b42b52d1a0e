"""Whatever the order and however often messages arrive, the station ends up with the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.validate import check_message
from station.receive import decide
from station.runs import Run, count, missing, place
from station.snapshot import Reader
from station.store import Store
from station.values import Arrival
from tests.tools.messages import GATE, OTHER_GATE, alert, body, fact

MESSAGES = st.tuples(
    st.sampled_from([GATE, OTHER_GATE]),
    st.sampled_from(["alert", "event"]),
    st.integers(min_value=1, max_value=30),
)
Message = tuple[str, str, int]


@contextmanager
def a_store() -> Iterator[tuple[Store, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.db"
        store = Store(path, "cancheng")
        try:
            yield store, path
        finally:
            store.close()


def receive(messages: Sequence[Message], batch: int) -> tuple[object, ...]:
    """What the station holds and says after *messages* came in batches: nothing of order in it."""
    acks = 0
    with a_store() as (store, path):
        for start in range(0, len(messages), batch):
            with store.batch():
                for source, rest, number in messages[start : start + batch]:
                    make = alert if rest == "alert" else fact
                    payload = body(make(number, source=source))
                    topic = f"{source}/{rest}"
                    arrival = Arrival(topic, payload, retained=False, again=False, received_ns=1)
                    verdict = decide(arrival, check_message(topic, payload), store, "cancheng")
                    store.apply(verdict.writes)
                    acks += verdict.ack is not None
        reader = Reader(path, "cancheng", "")
        board = reader.snapshot(2, 1000)
        reader.close()
    gates = [(g.source, g.missing, g.missing_events, g.reused) for g in board.gates]
    stored = sorted((row.source, row.id, row.seq, row.copies) for row in board.alerts)
    assert acks == len(messages)
    return gates, stored, board.events_total


@given(st.lists(MESSAGES, min_size=1, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_order_and_batches_change_nothing(messages: list[Message], random: object) -> None:
    shuffled = list(messages)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert receive(messages, 7) == receive(shuffled, 1)


@given(st.lists(MESSAGES, min_size=1, max_size=30), st.integers(min_value=1, max_value=3))
@settings(max_examples=15, deadline=None)
def test_repetition_changes_only_the_copies(messages: list[Message], times: int) -> None:
    gates, stored, events = receive(messages, 5)
    gates_again, stored_again, events_again = receive(messages * times, 5)
    assert (gates, events) == (gates_again, events_again)
    assert isinstance(stored, list)
    assert isinstance(stored_again, list)
    assert [(*row[:3], row[3] * times) for row in stored] == stored_again


@given(st.lists(st.integers(min_value=0, max_value=60), min_size=1))
def test_runs_are_the_set_of_numbers(numbers: list[int]) -> None:
    runs: set[Run] = set()
    for seq in numbers:
        left = max((r for r in runs if r.first <= seq), key=lambda r: r.first, default=None)
        right = next((r for r in runs if r.first == seq + 1), None)
        placed = place(seq, left, right)
        runs -= set(placed.old)
        runs |= {placed.new} if placed.new else set()
    assert {n for r in runs for n in range(r.first, r.last + 1)} == set(numbers)
    holes = max(numbers) - min(numbers) + 1 - len(set(numbers))
    assert count(missing(runs)) == holes
