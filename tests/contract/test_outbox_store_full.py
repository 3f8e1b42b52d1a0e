"""What every outbox store does on a full disk: it refuses whole batches and takes acks."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import StoreFullError
from agent.core.ports import OutboxStore
from tests.support.samples import entry
from tests.support.stores import STORES, Kind, seqs


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> Kind:
    return STORES[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def test_a_full_store_refuses_whole_batches_and_keeps_what_it_had(kind: Kind, path: Path) -> None:
    store = kind.make_small(path)
    store.open()
    kept = fill_up(store)
    with pytest.raises(StoreFullError, match="no room left"):
        store.write([entry(5001, body=b""), entry(5000, body=b"x" * 20_000)], ["alarm-1"])
    assert seqs(store) == list(range(1, kept + 1))
    store.close()


def test_a_full_store_still_takes_acks_and_then_entries_again(kind: Kind, path: Path) -> None:
    store = kind.make_small(path)
    store.open()
    kept = fill_up(store)
    store.write([], [f"alarm-{n}" for n in range(1, kept)])
    store.write([entry(7000, body=b"x" * 2000)], [])
    assert seqs(store) == [kept, 7000]
    store.close()


def test_a_full_store_says_when_it_has_room_again(kind: Kind, path: Path) -> None:
    store = kind.make_small(path)
    store.open()
    assert store.has_room()
    kept = fill_up(store)
    assert not store.has_room()
    store.write([], [f"alarm-{n}" for n in range(1, kept)])
    assert store.has_room()
    store.close()


def test_a_full_store_can_be_closed_and_opened(kind: Kind, path: Path) -> None:
    store = kind.make_small(path)
    store.open()
    kept = fill_up(store)
    store.write([], ["alarm-1"])
    store.close()
    assert store.open().session == 2
    assert seqs(store) == list(range(2, kept + 1))
    store.close()


def fill_up(store: OutboxStore) -> int:
    """Write until it is full; the number of the last entry that fitted."""
    for number in range(1, 1000):
        try:
            store.write([entry(number, body=b"x" * 2000)], [])
        except StoreFullError:
            return number - 1
    raise AssertionError("the store never got full")
