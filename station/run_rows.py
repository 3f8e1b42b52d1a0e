"""Which numbers of a gate's streams are stored, as rows of the station's file.

Not here: how a number joins what is there (``station.runs``).
"""

from __future__ import annotations

import sqlite3

from station.runs import Run, place
from station.values import Item

LOOKED_BACK = 10_000
_Stream = tuple[str, str]


def place_item(db: sqlite3.Connection, item: Item) -> None:
    """Note that the number of *item*, which was just stored, is there."""
    stream = (item.source, item.channel.value)
    left = _run(db, "first<=? ORDER BY first DESC", stream, item.seq)
    right = _run(db, "first=?", stream, item.seq + 1)
    placed = place(item.seq, left, right)
    if placed.new is None:
        if _in_one_session(db, item):
            db.execute(
                "INSERT INTO reused VALUES (?,?,1)"
                " ON CONFLICT (source, channel) DO UPDATE SET count=count+1",
                stream,
            )
        return
    for run in placed.old:
        db.execute(
            "DELETE FROM runs WHERE source=? AND channel=? AND first=?", (*stream, run.first)
        )
    new = (placed.new.first, placed.new.last)
    db.execute("INSERT INTO runs VALUES (?,?,?,?)", (*stream, *new))


def _in_one_session(db: sqlite3.Connection, item: Item) -> bool:
    """True when the number was used twice in one session: two gates, or an old card.

    A gate that was killed between sending a number and storing it gives it again in its next
    session; that is no fault of anybody's.
    """
    found = db.execute(
        "SELECT count(*) FROM"
        " (SELECT * FROM messages WHERE channel=? ORDER BY n DESC LIMIT ?)"
        " WHERE source=? AND session=? AND seq=?",
        (item.channel.value, LOOKED_BACK, item.source, item.session, item.seq),
    )
    return int(found.fetchone()[0]) > 1


def _run(db: sqlite3.Connection, where: str, stream: _Stream, seq: int) -> Run | None:
    query = f"SELECT first, last FROM runs WHERE source=? AND channel=? AND {where} LIMIT 1"  # noqa: S608 - where is ours
    row = db.execute(query, (*stream, seq)).fetchone()
    return None if row is None else Run(*row)
