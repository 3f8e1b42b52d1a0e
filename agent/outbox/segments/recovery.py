"""What a folder of segments holds, read without changing anything.

Here: names of files, reading each segment by its index or in whole, and the table made of all.
Not here: what is done about damage (``store``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.outbox.segments.codec import (
    SECTOR,
    Append,
    Commit,
    Numbers,
    Record,
    Remove,
    decode_append,
    header,
)
from agent.outbox.segments.folder import File, Folder
from agent.outbox.segments.index import Index, decode_index, tail_of
from agent.outbox.segments.scan import Found, scan
from agent.outbox.segments.table import Loader, Table

UNFINISHED = "new"
_SEGMENT = re.compile(r"(\d{8,9})\.segment(\.damaged)?")
_SPARE = re.compile(r"spare-\d+")
_PROBE = 24 * 1024


@dataclass(frozen=True, slots=True)
class Names:
    """What the files of a folder are, by their names."""

    segments: list[int]
    damaged: list[int]
    spares: list[str]


@dataclass(frozen=True, slots=True)
class Survey:
    """One segment. *whole*: all of it was durable, and nothing was begun after that."""

    size: int
    found: Found
    whole: bool
    full: bool


@dataclass(slots=True)
class Recovered:
    """The log as it was left.

    ``unproven`` are the records of the last commit that no index covers: nobody knows whether it
    reached the disk. ``rest`` is the newest segment, when it has room and is not damaged, and
    ``in_order`` tells that it was left with an index.
    """

    names: Names
    table: Table = field(default_factory=Table)
    numbers: Numbers = field(default_factory=Numbers)
    sizes: dict[int, int] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)
    unproven: list[Record] = field(default_factory=list)
    rest: Found | None = None
    in_order: bool = False


def segment_name(number: int) -> str:
    """The file of a segment."""
    return f"{number:08d}.segment"


def spare_name(number: int) -> str:
    """The file of an empty segment."""
    return f"spare-{number}"


def damaged_name(number: int) -> str:
    """What the file of a damaged segment is called when it is moved aside."""
    return f"{segment_name(number)}.damaged"


def names_in(folder: Folder) -> Names:
    """Sort what is in *folder*; other files are nobody's business."""
    segments: list[int] = []
    damaged: list[int] = []
    spares: list[str] = []
    for name in sorted(folder.names()):
        match = _SEGMENT.fullmatch(name)
        if match:
            (damaged if match[2] else segments).append(int(match[1]))
        elif _SPARE.fullmatch(name):
            spares.append(name)
    return Names(segments, damaged, spares)


def survey(file: File, number: int) -> Survey:
    """Read segment *number*: its index, and whatever no index covers."""
    size = file.size
    last = file.read(max(size - _PROBE, 0), min(size, _PROBE))
    tail = tail_of(last[-SECTOR:])
    index: Index | None = None
    if tail.length:
        raw = last if tail.length <= len(last) else file.read(size - tail.length, tail.length)
        index = decode_index(raw[-tail.length :], number)
    full = index is not None and size - tail.length - index.end < SECTOR
    if index is not None and full:
        found = Found()
        found.take(index)
        return Survey(size, found, whole=True, full=True)
    start = 0 if index is None else index.end
    data = bytes(start) + file.read(start, size - start)
    found = scan(data, number, index, closed=tail.begun and index is None)
    if index is None and data[:SECTOR] != header(size):
        found.damaged = True
    whole = index is not None and found.last is None and not found.damaged
    return Survey(size, found, whole, full=False)


def recover(folder: Folder) -> Recovered:
    """Read everything."""
    recovered = Recovered(names_in(folder))
    loader, top = Loader(), 0
    removed: set[int] = set()
    for number in recovered.names.segments:
        file = folder.open(segment_name(number))
        try:
            seen = survey(file, number)
            found = seen.found
            recovered.sizes[number] = seen.size
            recovered.numbers = recovered.numbers.at_least(found.numbers)
            loader.take(number, found.rows)
            top = max(top, max((row.position for row in found.rows), default=0))
            removed.update(found.removed)
            if found.damaged:
                recovered.damaged.append(number)
            if number == recovered.names.segments[-1]:
                recovered.in_order = seen.whole
                recovered.rest = None if seen.full or found.damaged else found
            if found.last is not None:
                recovered.unproven = list(_records(file, number, found.last))
        finally:
            file.close()
    recovered.table = loader.table(removed)
    recovered.numbers = recovered.numbers.at_least(Numbers(next_position=top + 1))
    return recovered


def _records(file: File, number: int, commit: Commit) -> Iterable[Record]:
    """The records of a commit once more."""
    for row in commit.rows:
        append = decode_append(file.read(row.offset, row.length), number, row.offset)
        if append is not None:
            yield Append(append.position, append.entry)
    if commit.removed:
        yield Remove(commit.removed)
