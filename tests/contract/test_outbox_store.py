"""What every outbox store has to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.core.ports import Counters, Fill, Lane, Limits, OutboxStore
from tests.support.samples import entry
from tests.support.stores import STORES, Kind, seqs

ALARM, EVENT = Lane.ALARM, Lane.EVENT
KEEP_ALL = Limits(max_events=1 << 40, event_age_ns=1 << 60)


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> Kind:
    return STORES[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def store(kind: Kind, path: Path) -> Iterator[OutboxStore]:
    store = kind.make(path)
    store.open()
    yield store
    store.close()


def test_a_new_store_is_empty_and_begins_with_session_one(kind: Kind, path: Path) -> None:
    store = kind.make(path)
    assert store.open() == Counters(session=1, alarm_seq=0, event_seq=0)
    assert store.fill() == Fill(0, 0, None)
    assert store.read(ALARM, 0, 10) == []
    store.close()


def test_what_was_written_is_there_after_a_restart_whole_and_in_order(
    kind: Kind, store: OutboxStore, path: Path
) -> None:
    written = [entry(n, body=bytes(range(256)) + b"%d" % n) for n in (3, 1, 2)]
    store.write(written[:2], [])
    store.write(written[2:], [])
    store.close()
    again = kind.make(path)
    again.open()
    assert [found for _, found in again.read(ALARM, 0, 10)] == written
    again.close()


def test_lanes_are_read_apart_and_a_page_at_a_time(store: OutboxStore) -> None:
    store.write([entry(n, lane) for n in range(1, 6) for lane in (ALARM, EVENT)], [])
    first = store.read(EVENT, 0, 3)
    assert [found.seq for _, found in first] == [1, 2, 3]
    assert seqs(store, EVENT, after=first[-1][0]) == [4, 5]
    assert {found.lane for _, found in store.read(ALARM, 0, 100)} == {ALARM}


def test_positions_grow_and_never_come_back(store: OutboxStore) -> None:
    store.write([entry(1), entry(2)], [])
    last = store.read(ALARM, 0, 10)[-1][0]
    store.write([], ["alarm-1", "alarm-2"])
    store.write([entry(3)], [])
    ((position, _),) = store.read(ALARM, 0, 10)
    assert position > last


def test_an_entry_written_twice_stands_once_as_it_was_first(store: OutboxStore) -> None:
    store.write([entry(1)], [])
    store.write([entry(1, body=b"changed"), entry(2)], [])
    store.write([entry(3), entry(3)], [])
    assert seqs(store) == [1, 2, 3]
    assert store.read(ALARM, 0, 1)[0][1].body == entry(1).body


def test_what_is_removed_is_gone_and_the_rest_stays_in_order(store: OutboxStore) -> None:
    store.write([entry(n) for n in range(1, 5)], [])
    store.write([entry(5)], ["alarm-1", "alarm-3", "unknown"])
    assert seqs(store) == [2, 4, 5]


def test_an_id_that_is_gone_may_come_again(store: OutboxStore) -> None:
    store.write([entry(1), entry(2)], [])
    store.write([], ["alarm-1"])
    store.write([entry(1)], [])
    assert seqs(store) == [2, 1]


def test_an_entry_may_be_as_large_as_it_likes(kind: Kind, store: OutboxStore, path: Path) -> None:
    large = [entry(n, body=bytes([n]) * 300_000) for n in (1, 2)]
    store.write([entry(3), *large], [])
    store.write([entry(4)], ["alarm-1"])
    store.close()
    again = kind.make(path)
    again.open()
    assert [found for _, found in again.read(ALARM, 0, 10)] == [entry(3), large[1], entry(4)]
    again.close()


def test_an_entry_that_is_acked_before_it_is_stored_does_not_stay(store: OutboxStore) -> None:
    store.write([entry(1), entry(2)], ["alarm-1"])
    assert seqs(store) == [2]


def test_the_session_is_counted_at_every_opening(kind: Kind, path: Path) -> None:
    sessions = []
    for _ in range(3):
        store = kind.make(path)
        sessions.append(store.open().session)
        sessions.append(store.open().session)
        store.close()
    assert sessions == [1, 2, 3, 4, 5, 6]


def test_numbers_go_on_after_a_restart_also_when_everything_was_acked(
    kind: Kind, store: OutboxStore, path: Path
) -> None:
    store.write([entry(7), entry(9), entry(8), entry(20, EVENT)], [])
    store.write([entry(5, id="late")], ["alarm-7", "alarm-8", "alarm-9", "event-20", "late"])
    store.close()
    again = kind.make(path)
    assert again.open() == Counters(session=2, alarm_seq=9, event_seq=20)
    again.close()


def test_the_fill_counts_lanes_and_knows_the_oldest(store: OutboxStore) -> None:
    store.write([entry(1, accepted_utc_ns=500), entry(2, EVENT, accepted_utc_ns=400)], [])
    store.write([entry(3, accepted_utc_ns=600)], [])
    assert store.fill() == Fill(alarms=2, events=1, oldest_utc_ns=500)
    store.write([], ["alarm-1"])
    assert store.fill() == Fill(alarms=1, events=1, oldest_utc_ns=400)


def test_only_events_are_evicted_oldest_first(store: OutboxStore) -> None:
    store.write([entry(n, lane) for n in range(1, 11) for lane in (ALARM, EVENT)], [])
    assert store.evict(Limits(max_events=4, event_age_ns=1 << 60), 0) == 6
    assert seqs(store, EVENT) == [7, 8, 9, 10]
    assert seqs(store, ALARM) == list(range(1, 11))


def test_events_that_are_too_old_are_evicted_and_alarms_never(store: OutboxStore) -> None:
    for lane in (ALARM, EVENT):
        store.write([entry(n, lane, accepted_utc_ns=n * 100) for n in (1, 2, 3)], [])
    assert store.evict(Limits(max_events=100, event_age_ns=1000), 1200) == 1
    assert seqs(store, EVENT) == [2, 3]
    assert seqs(store, ALARM) == [1, 2, 3]


def test_within_its_limits_nothing_is_evicted(store: OutboxStore) -> None:
    store.write([entry(1, EVENT)], [])
    assert store.evict(KEEP_ALL, 1 << 59) == 0
    assert store.evict(Limits(1, 1 << 60), 0) == 0
    assert seqs(store, EVENT) == [1]


def test_a_store_that_is_not_open_refuses_everything(kind: Kind, path: Path) -> None:
    store = kind.make(path)
    store.close()
    for work in (
        lambda: store.write([entry(1)], []),
        lambda: store.read(ALARM, 0, 1),
        store.fill,
        lambda: store.evict(KEEP_ALL, 0),
        store.has_room,
    ):
        with pytest.raises(StoreError, match="is not open"):
            work()


def test_a_folder_that_is_not_there_is_a_store_error(kind: Kind, tmp_path: Path) -> None:
    store = kind.make(tmp_path / "none" / "outbox")
    with pytest.raises(StoreError, match="outbox"):
        store.open()
    (tmp_path / "none").mkdir()
    assert store.open().session == 1
    store.close()


@pytest.mark.parametrize("damage", [b"this is no store " * 500, b"\0" * 8192])
def test_a_damaged_file_is_moved_aside_and_a_new_one_started(
    kind: Kind, store: OutboxStore, path: Path, damage: bytes
) -> None:
    store.write([entry(1)], [])
    store.close()
    for file in kind.files(path):
        file.write_bytes(damage)
    again = kind.make(path)
    assert again.open() == Counters(1, 0, 0)
    again.write([entry(2)], [])
    assert seqs(again) == [2]
    again.close()


def test_with_a_hole_in_its_middle_a_store_goes_on_in_order(
    kind: Kind, store: OutboxStore, path: Path
) -> None:
    store.write([entry(n, body=b"x" * 3000) for n in range(1, 50)], [])
    store.close()
    for file in kind.files(path):
        data = bytearray(file.read_bytes())
        data[4096:-4096] = b"\xa5" * (len(data) - 8192)
        file.write_bytes(data)
    again = kind.make(path)
    again.open()
    again.write([entry(100)], [])
    left = seqs(again)
    assert left[-1] == 100
    assert left == sorted(set(left))
    assert len(left) < 50
    again.close()


KILLED = """
import os, sys
from pathlib import Path
from tests.support.samples import entry
from tests.support.stores import STORES
store = STORES[sys.argv[1]].make(Path(sys.argv[2]))
store.open()
for number in range(1, 6):
    store.write([entry(number)], [])
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("name", STORES)
def test_what_was_written_survives_the_death_of_the_process(name: str, path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, name, str(path)], cwd=root, env=environment, check=False
    )
    assert done.returncode == -9
    again = STORES[name].make(path)
    assert again.open() == Counters(session=2, alarm_seq=5, event_seq=0)
    assert seqs(again) == [1, 2, 3, 4, 5]
    again.close()
