"""The index at the end of a complete segment: what it holds, without reading it all. Pure.

Here: writing and reading it. A store of 100,000 entries is opened by its indexes alone, which are
a fifteenth of it. An index is begun only after everything before it is durable; one that is
damaged costs a reading of the whole segment and nothing else.

From the end of the segment backwards: the tail, the columns of the entries, the ids.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.outbox.segments.codec import Numbers, Row, seal, sectors

_MARK = b"\xc5GHI"
_TAIL = struct.Struct("<4sIIIIIQQQQ")  # mark, crc, bytes of ids, end, rows, removed, numbers
_CRC_FROM = 8
_COLUMNS = "QqIIBH"  # position, accepted, offset, length, lane, characters of the id
_ROW_BYTES = struct.calcsize("<" + _COLUMNS)


@dataclass(frozen=True, slots=True)
class Index:
    """What a segment holds up to *end*. More commits may follow there."""

    numbers: Numbers
    rows: tuple[Row, ...]
    removed: tuple[int, ...]
    end: int


class Tail(NamedTuple):
    """The last bytes of a segment. *begun* is False while they are blank."""

    begun: bool
    length: int


def cost(ids: Iterable[str], removed: int) -> int:
    """What entries with these *ids* and so many *removed* positions add to an index, in bytes."""
    return sum(_ROW_BYTES + len(entry_id.encode()) for entry_id in ids) + 8 * removed


def index_size(costs: int) -> int:
    """Bytes of an index whose content costs *costs*, whole sectors."""
    return sectors(_TAIL.size + costs)


def encode_index(number: int, index: Index) -> bytes:
    """The last bytes of segment *number*, whole sectors."""
    ids = "".join(row.id for row in index.rows).encode()
    columns: list[Sequence[int]] = [
        [row.position for row in index.rows],
        [row.accepted_utc_ns for row in index.rows],
        [row.offset for row in index.rows],
        [row.length for row in index.rows],
        [row.lane for row in index.rows],
        [len(row.id) for row in index.rows],
    ]
    parts = [
        struct.pack(f"<{len(column)}{code}", *column)
        for code, column in zip(_COLUMNS, columns, strict=True)
    ]
    parts += [struct.pack(f"<{len(index.removed)}Q", *index.removed), ids]
    n = index.numbers
    tail = _TAIL.pack(
        _MARK,
        0,
        len(ids),
        index.end,
        len(index.rows),
        len(index.removed),
        n.session,
        n.alarm_seq,
        n.event_seq,
        n.next_position,
    )
    body = b"".join(parts) + tail
    data = body.rjust(sectors(len(body)), b"\0")
    crc = seal(_unsealed(body), number, index.end).to_bytes(4, "little")
    at = len(data) - _TAIL.size + 4
    return data[:at] + crc + data[at + 4 :]


def tail_of(last_sector: bytes) -> Tail:
    """How long the index in front of the end is said to be."""
    raw = last_sector[-_TAIL.size :]
    if not any(raw):
        return Tail(begun=False, length=0)
    mark, _, ids, _, rows, removed, *_ = _TAIL.unpack(raw)
    length = _TAIL.size + ids + _ROW_BYTES * rows + 8 * removed if mark == _MARK else 0
    return Tail(begun=True, length=length)


def decode_index(data: bytes, number: int) -> Index | None:
    """The index of segment *number* in *data*, exactly its bytes; None when it is not sound."""
    if len(data) < _TAIL.size:
        return None
    mark, crc, ids_length, end, count, gone, *numbers = _TAIL.unpack(data[-_TAIL.size :])
    length = _TAIL.size + ids_length + _ROW_BYTES * count + 8 * gone
    if mark != _MARK or length != len(data) or seal(_unsealed(data), number, end) != crc:
        return None
    columns, at = [], 0
    for code in _COLUMNS:
        columns.append(struct.unpack_from(f"<{count}{code}", data, at))
        at += count * struct.calcsize(f"<{code}")
    removed = struct.unpack_from(f"<{gone}Q", data, at)
    at += 8 * gone
    ids = _cut(data[at : at + ids_length].decode(), columns.pop())
    positions, accepted, offsets, lengths, lanes = columns
    rows = map(Row, positions, lanes, accepted, offsets, lengths, ids)
    return Index(Numbers(*numbers), tuple(rows), removed, end)


def _unsealed(data: bytes) -> bytes:
    """Without the mark and the checksum."""
    at = len(data) - _TAIL.size
    return data[:at] + data[at + _CRC_FROM :]


def _cut(joined: str, lengths: Sequence[int]) -> list[str]:
    found, at = [], 0
    for length in lengths:
        found.append(joined[at : at + length])
        at += length
    return found
