"""The station's file: stored once, one transaction a batch, bounded where strangers write."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from agent.core.errors import ConfigError, StoreError
from contract.validate import check_message
from station.desk import Desk
from station.receive import decide
from station.snapshot import Reader
from station.store import MALFORMED_KEPT, Store
from station.tables import open_for_reading
from station.values import Arrival, Gate, News, Note, Publish, Refuse
from tests.tools.messages import GATE, alert, body, fact, message_id

NOW_NS = 1_000_000_000


def take(store: Store, rest: str, payload: bytes) -> News:
    topic = f"{GATE}/{rest}"
    arrival = Arrival(topic, payload, retained=False, again=False, received_ns=NOW_NS)
    verdict = decide(arrival, check_message(topic, payload), store, "cancheng")
    store.apply(verdict.writes)
    return verdict.news


def take_many(store: Store, numbers: Iterable[int]) -> None:
    with store.batch():
        for number in numbers:
            take(store, "alert", body(alert(number)))


def take_and_fail(store: Store) -> None:
    with store.batch():
        take(store, "alert", body(alert(1)))
        raise RuntimeError


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_file_is_durable_and_its_owners_only(store: Store, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_message_is_stored_once(store: Store, path: Path) -> None:
    with store.batch():
        news = [take(store, "alert", body(alert(1))) for _ in range(3)]
    assert news == [News.STORED, News.DUPLICATE, News.DUPLICATE]
    assert rows(path, "SELECT id, copies FROM messages") == [(message_id(1), 3)]
    assert rows(path, "SELECT stage, by FROM acks") == [("received", "cancheng")]


def test_a_batch_is_all_or_nothing(store: Store, path: Path) -> None:
    with pytest.raises(RuntimeError):
        take_and_fail(store)
    assert rows(path, "SELECT count(*) FROM messages") == [(0,)]
    with store.batch():
        for number in range(1, 101):
            take(store, "alert", body(alert(number)))
        assert rows(path, "SELECT count(*) FROM messages") == [(0,)]
    assert rows(path, "SELECT count(*) FROM messages") == [(100,)]


def test_the_body_is_kept_byte_for_byte(store: Store, path: Path) -> None:
    payload = b" " + body(alert(1)) + b"\n"
    with store.batch():
        take(store, "alert", payload)
    assert rows(path, "SELECT body FROM messages") == [(payload,)]


def test_gaps_of_alerts_and_events_are_separate(store: Store, path: Path) -> None:
    with store.batch():
        for number in (5, 6, 9):
            take(store, "alert", body(alert(number)))
        for number in (1, 4):
            take(store, "event", body(fact(number)))
    reader = Reader(path, "cancheng", "")
    (gate,) = reader.snapshot(NOW_NS, 10).gates
    reader.close()
    assert [(run.first, run.last) for run in gate.missing] == [(7, 8)]
    assert gate.missing_events == 2


def test_a_number_used_twice_is_told(store: Store, path: Path) -> None:
    with store.batch():
        take(store, "alert", body(alert(5)))
        take(store, "alert", body(alert(5, id=message_id(99))))
    reader = Reader(path, "cancheng", "")
    (gate,) = reader.snapshot(NOW_NS, 10).gates
    reader.close()
    assert gate.reused == 1


def test_a_number_that_a_killed_gate_gives_again_is_no_fault(store: Store, path: Path) -> None:
    with store.batch():
        take(store, "alert", body(alert(5)))
        take(store, "alert", body(alert(5, id=message_id(99), session=42)))
        take(store, "alert", body(alert(6, id=message_id(98), session=42)))
    reader = Reader(path, "cancheng", "")
    (gate,) = reader.snapshot(NOW_NS, 10).gates
    reader.close()
    assert (gate.reused, gate.missing) == (0, ())


def test_malformed_messages_are_counted_and_bounded(store: Store, path: Path) -> None:
    total = MALFORMED_KEPT + 50
    with store.batch():
        for _ in range(total):
            take(store, "alert", b"\xff")
    assert rows(path, "SELECT count(*) FROM malformed") == [(MALFORMED_KEPT,)]
    assert rows(path, "SELECT * FROM malformed_counts") == [(GATE, total)]


def test_a_gate_is_remembered_as_it_was(store: Store) -> None:
    gate = Gate(GATE, 41, "{}", 1, "{}", 2, None, 0, 5, ("A", "B"), (1, 2), 3, 9)
    with store.batch():
        store.apply([Note(gate)])
    assert store.gate(GATE) == gate
    assert store.gate("gh/v1/a/b/c") is None


def test_the_queue_keeps_order_until_sent(store: Store, path: Path) -> None:
    other = Store(path, "cancheng")
    before = store.changes()
    for number in range(3):
        other._db.execute(
            "INSERT INTO outgoing (topic, payload, retain, queued_ns) VALUES (?,?,?,?)",
            (f"t/{number}", b"x", number == 1, NOW_NS),
        )
    other.close()
    assert store.changes() != before
    queued = store.outgoing(0, 10)
    assert [(q.n, q.message) for q in queued] == [
        (1, Publish("t/0", b"x")),
        (2, Publish("t/1", b"x", retain=True)),
        (3, Publish("t/2", b"x")),
    ]
    with store.batch():
        store.sent({1: None, 2: "Not authorized"}, NOW_NS)
    assert [q.n for q in store.outgoing(0, 10)] == [3]
    assert rows(path, "SELECT refusal FROM outgoing WHERE n=2") == [("Not authorized",)]


def test_a_disk_that_refuses_is_a_store_error_and_leaves_nothing(store: Store, path: Path) -> None:
    with store.batch():
        take(store, "alert", body(alert(1)))
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError):
        take_many(store, range(2, 200))
    assert rows(path, "SELECT count(*) FROM messages") == [(1,)]
    store.reopen()
    with store.batch():
        assert take(store, "alert", body(alert(2))) is News.STORED


def test_a_file_that_is_no_database_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "station.db"
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(ConfigError):
        Store(path, "cancheng")
    with pytest.raises(ConfigError):
        open_for_reading(path)


def test_a_file_of_a_newer_program_is_left_alone(store: Store, path: Path) -> None:
    store._db.execute("PRAGMA user_version=99")
    with pytest.raises(ConfigError, match="form 99"):
        Store(path, "cancheng")


def test_refused_heads_hold_any_bytes(store: Store, path: Path) -> None:
    refuse = Refuse("", "gh/\udcff".encode("utf-8", "replace").decode(), b"\x00\xff", 2, ("x",), 1)
    with store.batch():
        store.apply([refuse])
    assert rows(path, "SELECT head FROM malformed") == [(b"\x00\xff",)]


@pytest.mark.parametrize(
    ("connected", "seconds_later", "listening", "reason"),
    [
        (True, 5, True, ""),
        (True, 16, False, "station serve does not run"),
        (False, 1, False, "the broker went away"),
    ],
)
def test_watch_knows_whether_anybody_serves(
    store: Store,
    path: Path,
    *,
    connected: bool,
    seconds_later: int,
    listening: bool,
    reason: str,
) -> None:
    reader = Reader(path, "cancheng", "")
    assert reader.snapshot(NOW_NS, 1).not_listening == "station serve was never started"
    said = "" if connected else "the broker went away"
    with store.batch():
        store.host("127.0.0.1:1883", connected=connected, reason=said, at_ns=NOW_NS)
    board = reader.snapshot(NOW_NS + seconds_later * 1_000_000_000, 1)
    reader.close()
    assert (board.listening, board.not_listening) == (listening, reason)


def test_a_face_leaves_the_file_and_its_log_once_it_was_sent(path: Path, store: Store) -> None:
    face = b"FACE-" + bytes(range(1, 200)) * 100
    desk = Desk(path, lambda: NOW_NS)
    number = desk.send(Publish(f"{GATE}/cmd/search.start", face))
    desk.close()
    files = [path, path.with_name(f"{path.name}-wal")]
    assert any(face[:100] in file.read_bytes() for file in files)
    with open_for_reading(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM outgoing").fetchall()
        with store.batch():
            store.sent({number: None}, NOW_NS)
        reader.execute("ROLLBACK")
    reader.close()
    take_many(store, [1])
    assert [f.name for f in files if f.exists() and face[100:300] in f.read_bytes()] == []
