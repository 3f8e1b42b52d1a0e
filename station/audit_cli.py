"""``gatehouse station audit``: the heads of the gates' audit logs, and who answers for a fault."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from agent.core.errors import CheckFailedError, StoreError
from station.arguments import Dir, Gate, Json, trimmed
from station.terminal import exits, write_json

app = typer.Typer(name="audit", help="What gates told of their audit logs.", no_args_is_help=True)


@app.command()
@exits
def heads(*, gate: Gate, directory: Dir, as_json: Json = False) -> None:
    """Every head that is kept of a gate; --json is what 'gatehouse audit verify --heads' takes."""
    from station.heads import heads_of

    with _station(directory, gate) as (db, source):
        found = heads_of(db, source)
    if not found:
        raise CheckFailedError(f"{gate} told nothing of an audit log yet")
    if as_json:
        write_json({"heads": [{"n": head.n, "hash": head.hash} for head in found]})
        return
    print(f"{len(found)} heads of {source}; the last one: {found[-1].n} {found[-1].hash}")


@app.command()
@exits
def accept(
    *,
    gate: Gate,
    directory: Dir,
    by: Annotated[str, typer.Option(help="Your role or badge, such as duty-officer.")],
    as_json: Json = False,
) -> None:
    """Settle what is shown of a gate's audit log: somebody looked into it and answers for it."""
    from station.heads import accept_faults

    person = trimmed("--by", by)
    with _station(directory, gate) as (db, source):
        count = accept_faults(db, source, person, time.time_ns())
    if as_json:
        write_json({"gate": source, "accepted": count, "by": person})
        return
    print(f"{count} faults of {source} accepted by {person}")


@contextmanager
def _station(directory: Path, gate: str) -> Iterator[tuple[sqlite3.Connection, str]]:
    from station import documents, keys
    from station.tables import open_database

    made = keys.open_station(directory)
    source = documents.address_of(gate, made.id).base
    db = open_database(made.database)
    try:
        yield db, source
    except sqlite3.Error as error:
        raise StoreError(f"{made.database} cannot be used: {error}") from error
    finally:
        db.close()
