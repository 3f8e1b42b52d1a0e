"""The outbox of a version that kept it in SQLite: what waits in it moves over, once.

Here: reading that one file and giving it another name afterwards. Not here: where the entries go.
What moved over and was acked while the file was still there (because the disk was full) is sent
again: the station knows it by its id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.core.errors import StoreError
from agent.core.ports import Counters, Entry, Lane

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

BATCH = 200
PATIENCE_S = 5.0
_ENTRIES = "SELECT id, lane, seq, topic, body, accepted_utc_ns FROM entry ORDER BY position"


class Earlier:
    """The file; nothing waits in one that is not there. StoreError while another program has it."""

    def __init__(self, path: Path | None) -> None:
        """*path* of the SQLite file."""
        self._path = path if path is not None and path.exists() else None
        self._damage = ""

    def counters(self) -> Counters:
        """Its numbers; zeros when they cannot be read."""
        with self._reading("SELECT name, value FROM counter") as rows:
            values: dict[str, int] = dict(rows)
        return Counters(*(values.get(name, 0) for name in Counters.__slots__))

    def batches(self) -> Iterator[list[Entry]]:
        """Its entries in the order of their acceptance, as far as they can be read."""
        with self._reading(_ENTRIES) as rows:
            while batch := [Entry(r[0], Lane(r[1]), *r[2:]) for r in islice(rows, BATCH)]:
                yield batch

    def finish(self) -> None:
        """Everything moved over: give the file another name."""
        if self._path is None:
            return
        suffix = ".damaged" if self._damage else ".imported"
        if self._damage:
            log.warning("%s: %s; what could be read moved over", self._path, self._damage)
        for part in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + part)
            if file.exists():
                file.replace(file.with_name(file.name + suffix))

    @contextmanager
    def _reading(self, query: str) -> Iterator[Iterator[Any]]:
        """Rows of *query*; those before the first damage."""
        if self._path is None:
            yield iter(())
            return
        import sqlite3  # noqa: PLC0415 - a megabyte that hardly any gate needs

        with closing(sqlite3.connect(self._path, timeout=PATIENCE_S)) as db:
            yield self._rows(db, query)

    def _rows(self, db: sqlite3.Connection, query: str) -> Iterator[Any]:
        import sqlite3  # noqa: PLC0415 - the same

        try:
            yield from db.execute(query)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
                raise StoreError(f"{self._path}: {error}") from error
            self._damage = str(error)
