"""Heads of audit logs in the station's file: kept, bounded, shown until somebody answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contract.validate import check_message
from station import heads, keys
from station.audit_cli import app
from station.receive import decide
from station.snapshot import Reader
from station.store import Store
from station.tables import open_database
from station.values import Arrival, News, ToldHead
from station.watch import gate_line
from tests.tools.messages import GATE, OTHER_GATE, beat, body

GATE_NAME = "liya-garden/gate-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.init(tmp_path / "station", "cancheng", "禅城派出所")
    return tmp_path / "station"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store(keys.open_station(folder).database, "cancheng")
    yield opened
    opened.close()


def tell(store: Store, n: int, digit: str = "a", source: str = GATE) -> News:
    topic, payload = f"{source}/hb", body(beat(audit={"n": n, "hash": digit * 64}))
    arrival = Arrival(topic, payload, retained=False, again=False, received_ns=n)
    with store.batch():
        verdict = decide(arrival, check_message(topic, payload), store, "cancheng")
        store.apply(verdict.writes)
    return verdict.news


def faults(folder: Path) -> dict[str, object]:
    made = keys.open_station(folder)
    reader = Reader(made.database, made.id, made.name)
    try:
        return {g.source: gate_line(g)["audit_fault"] for g in reader.snapshot(1, 0).gates}
    finally:
        reader.close()


def typed(*arguments: str | Path) -> tuple[int, Any]:
    said = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return said.exit_code, json.loads(said.stdout.splitlines()[0])


def test_a_fault_is_shown_until_somebody_accepts_it(store: Store, folder: Path) -> None:
    assert [tell(store, n) for n in (3, 3, 7)] == [News.NOTED] * 3
    tell(store, 3, source=OTHER_GATE)
    assert faults(folder) == {GATE: None, OTHER_GATE: None}
    assert tell(store, 4, "b") is News.AUDIT
    assert tell(store, 5, "b") is News.NOTED
    shown = faults(folder)
    assert shown[GATE] == "the audit log went back from record 7 to 4"
    assert shown[OTHER_GATE] is None
    done = typed("accept", GATE_NAME, "--dir", folder, "--by", "duty-officer")
    assert done == (0, {"gate": GATE, "accepted": 1, "by": "duty-officer"})
    assert faults(folder)[GATE] is None
    assert tell(store, 7, "c") is News.AUDIT


def test_heads_are_given_out_for_comparison(store: Store, folder: Path) -> None:
    for n in (3, 7):
        tell(store, n)
    code, told = typed("heads", GATE_NAME, "--dir", folder)
    assert code == 0
    assert told == {"heads": [{"n": n, "hash": "a" * 64} for n in (3, 7)]}
    said = CliRunner().invoke(app, ["heads", GATE_NAME, "--dir", str(folder)])
    assert said.stdout.startswith(f"2 heads of {GATE}; the last one: 7 aaaa")
    code, told = typed("heads", "no3-school/gate-2", "--dir", folder)
    assert (code, told["exit_code"]) == (1, 1)


def test_what_is_kept_is_bounded(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEADS_KEPT", 5)
    monkeypatch.setattr(heads, "FAULTS_KEPT", 2)
    for n in range(1, 20):
        tell(store, n, source=OTHER_GATE)
    for n in range(20, 1, -1):
        tell(store, n)
    db = open_database(keys.open_station(folder).database)
    assert heads.heads_of(db, GATE) == [ToldHead(n, "a" * 64) for n in (6, 5, 4, 3, 2)]
    assert len(heads.heads_of(db, OTHER_GATE)) == 5
    assert db.execute("SELECT count(*) FROM audit_faults").fetchone() == (2,)
    assert heads.last_head(db, GATE) == ToldHead(2, "a" * 64)
    db.close()


def test_a_file_of_before_has_no_faults_and_gets_its_tables(folder: Path) -> None:
    path = keys.open_station(folder).database
    db = open_database(path)
    db.execute("DROP TABLE audit_heads")
    db.execute("DROP TABLE audit_faults")
    db.close()
    assert faults(folder) == {}
    open_database(path).close()
    opened = Store(path, "cancheng")
    assert tell(opened, 1) is News.NOTED
    opened.close()
