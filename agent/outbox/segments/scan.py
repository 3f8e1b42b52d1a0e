"""What can be read of one segment, sound or damaged. Pure.

Here: the way through a segment from commit to commit, and what is found beside it. An unfinished
write at the end of a segment is cut: nobody was told that it is durable. Anything unreadable that
something later proves to have been durable is damage: its sound records are found one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.outbox.segments.codec import (
    COMMIT_MARK,
    RECORD_MARK,
    SECTOR,
    Commit,
    Numbers,
    Row,
    commit_at,
    head_at,
    record_at,
)
from agent.outbox.segments.index import Index


@dataclass(slots=True)
class Found:
    """What a segment holds. ``end`` is behind its last sound commit."""

    numbers: Numbers = field(default_factory=Numbers)
    rows: list[Row] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    end: int = SECTOR
    last: Commit | None = None
    damaged: bool = False

    def take(self, commit: Commit | Index) -> None:
        """Add what a commit or an index says."""
        self.numbers = self.numbers.at_least(commit.numbers)
        self.rows.extend(commit.rows)
        self.removed.extend(commit.removed)
        self.end = commit.end


def scan(data: bytes, number: int, index: Index | None = None, *, closed: bool = False) -> Found:
    """Read segment *number*: what *index* tells of it, and every commit after that.

    *closed*: an index was begun here that cannot be read, so everything was durable, also the last
    commit. ``last`` is the last commit that no index covers.
    """
    found = Found()
    if index is not None:
        found.take(index)
    while True:
        commit = commit_at(data, number, found.end)
        if commit is not None:
            found.take(commit)
            found.last = commit
            continue
        later = _next_head(data, number, found.end + SECTOR)
        if later is not None or closed:
            _salvage(data, number, found, later)
        if later is None:
            return found
        found.damaged = True
        found.end = later


def _next_head(data: bytes, number: int, start: int) -> int | None:
    """Where the next sound head of a commit stands, at *start* or behind it."""
    at = data.find(COMMIT_MARK, start)
    while at >= 0:
        if at % SECTOR == 0 and head_at(data, number, at) is not None:
            return at
        at = data.find(COMMIT_MARK, at + 1)
    return None


def _salvage(data: bytes, number: int, found: Found, stop: int | None) -> None:
    """Take every sound record from ``found.end`` to *stop*; that there is one shows damage."""
    found.damaged = found.damaged or head_at(data, number, found.end) is not None
    at = data.find(RECORD_MARK, found.end, stop)
    while at >= 0:
        record = record_at(data, number, at)
        if isinstance(record, Row):
            found.rows.append(record)
        elif record is not None:
            found.removed.extend(record.positions)
        found.damaged = found.damaged or record is not None
        at = data.find(RECORD_MARK, at + 1, stop)
