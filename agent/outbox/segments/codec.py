"""The segment log's bytes: header, commits, records, index. Pure.

Here: the layout of one segment and its checksums. Not here: what can still be read of a damaged
segment (``scan``), files (``folder``), what is live (``table``).

A segment is one sector of header, then commits, each beginning on a sector, and at its very end an
index of them once it is complete. A commit is a head and its records; it counts only when all of
them are sound. All integers are little endian. Every CRC-32 is seeded with the segment's number
and the place in it: bytes of a segment's earlier life, or a record inside a record, are never
taken for its own.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from zlib import crc32

from agent.core.ports import Counters, Entry, Lane

SECTOR = 512
COMMIT_MARK = b"\xc5GHC"
RECORD_MARK = b"\xc5GHR"

_HEAD = struct.Struct("<4sIQQQQQ")  # mark, crc, records, numbers
_RECORD = struct.Struct("<4sIIBBH")  # mark, crc, length, kind, lane, length of the id
_APPEND = struct.Struct("<QQqI")  # position, seq, accepted, length of the topic
_SEED = struct.Struct("<QQ")
_CRC_FROM = 8
_ALIGN = 8


class Kind(IntEnum):
    """What a record says."""

    APPEND = 1
    REMOVE = 2


@dataclass(frozen=True, slots=True)
class Numbers:
    """What every commit carries of the numbers that survive everything else."""

    session: int = 0
    alarm_seq: int = 0
    event_seq: int = 0
    next_position: int = 1

    @property
    def counters(self) -> Counters:
        """Without the position."""
        return Counters(self.session, self.alarm_seq, self.event_seq)

    def at_least(self, other: Numbers) -> Numbers:
        """The higher of each."""
        return Numbers(
            max(self.session, other.session),
            max(self.alarm_seq, other.alarm_seq),
            max(self.event_seq, other.event_seq),
            max(self.next_position, other.next_position),
        )


@dataclass(frozen=True, slots=True)
class Append:
    """The entry is held at *position*. A second record of one position is a copy."""

    position: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Remove:
    """What stood at these positions is gone."""

    positions: tuple[int, ...]


Record = Append | Remove


class Row(NamedTuple):
    """Where an entry stands in its segment, and what the table knows of it."""

    position: int
    lane: int
    accepted_utc_ns: int
    offset: int
    length: int
    id: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A sound commit: what it says and where it ends."""

    numbers: Numbers
    rows: tuple[Row, ...]
    removed: tuple[int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a commit; its records may or may not be sound."""

    numbers: Numbers
    records: int


def header(size: int) -> bytes:
    """The first sector of a segment of *size* bytes."""
    return f"GATEHOUSE OUTBOX SEGMENT 1, {size} BYTES\n".encode().ljust(SECTOR, b"\0")


def commit_size(records: Sequence[Record]) -> int:
    """Bytes of the commit of *records*, whole sectors."""
    return sectors(_HEAD.size + sum(_size(record) for record in records))


def encode_commit(
    number: int, offset: int, numbers: Numbers, records: Sequence[Record]
) -> tuple[bytes, Commit]:
    """The bytes of a commit at *offset* of segment *number*, and what a reader finds in them."""
    parts, rows = [b""], list[Row]()
    removed: list[int] = []
    at = offset + _HEAD.size
    for record in records:
        data = _encode_record(number, at, record)
        parts.append(data)
        if isinstance(record, Append):
            entry = record.entry
            rows.append(
                Row(record.position, entry.lane, entry.accepted_utc_ns, at, len(data), entry.id)
            )
        else:
            removed.extend(record.positions)
        at += len(data)
    n = numbers
    head = _HEAD.pack(
        COMMIT_MARK, 0, len(records), n.session, n.alarm_seq, n.event_seq, n.next_position
    )
    parts[0] = _sealed(head, number, offset)
    end = offset + sectors(at - offset)
    parts.append(bytes(end - at))
    return b"".join(parts), Commit(numbers, tuple(rows), tuple(removed), end)


def head_at(data: bytes, number: int, offset: int) -> Head | None:
    """The head of a commit at *offset* of a segment's *data*; None when none is sound there."""
    raw = data[offset : offset + _HEAD.size]
    if len(raw) < _HEAD.size or not raw.startswith(COMMIT_MARK) or not _sound(raw, number, offset):
        return None
    _, _, records, *numbers = _HEAD.unpack(raw)
    return Head(Numbers(*numbers), records)


def commit_at(data: bytes, number: int, offset: int) -> Commit | None:
    """The commit at *offset*; None when there is none or a part of it is not sound."""
    head = head_at(data, number, offset)
    if head is None:
        return None
    at, rows = offset + _HEAD.size, list[Row]()
    removed: list[int] = []
    for _ in range(head.records):
        found = record_at(data, number, at)
        if found is None:
            return None
        if isinstance(found, Row):
            rows.append(found)
        else:
            removed.extend(found.positions)
        at += record_length(data, at)
    end = offset + sectors(at - offset)
    return Commit(head.numbers, tuple(rows), tuple(removed), end)


def record_at(data: bytes, number: int, offset: int) -> Row | Remove | None:
    """What the table has to know of the record at *offset*; None when none is sound there."""
    length = record_length(data, offset)
    raw = data[offset : offset + length]
    if len(raw) < _RECORD.size or len(raw) != length or not _sound(raw, number, offset):
        return None
    _, _, _, kind, lane, id_length = _RECORD.unpack_from(raw)
    if kind == Kind.REMOVE:
        count = (length - _RECORD.size) // 8
        return Remove(struct.unpack_from(f"<{count}Q", raw, _RECORD.size))
    position, _, accepted, _ = _APPEND.unpack_from(raw, _RECORD.size)
    at = _RECORD.size + _APPEND.size
    return Row(position, lane, accepted, offset, length, raw[at : at + id_length].decode())


def record_length(data: bytes, offset: int) -> int:
    """What the record at *offset* says of its length; 0 when there is none."""
    if offset + _RECORD.size > len(data) or not data.startswith(RECORD_MARK, offset):
        return 0
    return int(_RECORD.unpack_from(data, offset)[2])


def decode_append(raw: bytes, number: int, offset: int) -> Append | None:
    """The whole record *raw* that stood at *offset* of segment *number*; None: it is damaged."""
    if len(raw) != record_length(raw, 0) or not _sound(raw, number, offset):
        return None
    _, _, _, kind, lane, id_length = _RECORD.unpack_from(raw)
    if kind != Kind.APPEND:
        return None
    position, seq, accepted, topic_length = _APPEND.unpack_from(raw, _RECORD.size)
    at = _RECORD.size + _APPEND.size
    topic_at, body_at = at + id_length, at + id_length + topic_length
    (body_length,) = struct.unpack_from("<I", raw, body_at)
    body = raw[body_at + 4 : body_at + 4 + body_length]
    entry_id, topic = raw[at:topic_at].decode(), raw[topic_at:body_at].decode()
    return Append(position, Entry(entry_id, Lane(lane), seq, topic, body, accepted))


def sectors(length: int) -> int:
    """*length* rounded up to whole sectors."""
    return -(-length // SECTOR) * SECTOR


def seal(data: bytes, number: int, offset: int) -> int:
    """The CRC-32 of *data* as a part of segment *number* at *offset*."""
    return crc32(data, crc32(_SEED.pack(number, offset)))


def _encode_record(number: int, offset: int, record: Record) -> bytes:
    length = _size(record)
    if isinstance(record, Remove):
        head = _RECORD.pack(RECORD_MARK, 0, length, Kind.REMOVE, 0, 0)
        body = struct.pack(f"<{len(record.positions)}Q", *record.positions)
        return _sealed(head + body, number, offset)
    entry, entry_id, topic = record.entry, record.entry.id.encode(), record.entry.topic.encode()
    parts = (
        _RECORD.pack(RECORD_MARK, 0, length, Kind.APPEND, entry.lane, len(entry_id)),
        _APPEND.pack(record.position, entry.seq, entry.accepted_utc_ns, len(topic)),
        entry_id,
        topic,
        struct.pack("<I", len(entry.body)),
        entry.body,
    )
    return _sealed(b"".join(parts).ljust(length, b"\0"), number, offset)


def _size(record: Record) -> int:
    if isinstance(record, Remove):
        return _RECORD.size + 8 * len(record.positions)
    entry = record.entry
    length = _RECORD.size + _APPEND.size + len(entry.id.encode()) + len(entry.topic.encode())
    return -(-(length + 4 + len(entry.body)) // _ALIGN) * _ALIGN


def _sealed(data: bytes, number: int, offset: int) -> bytes:
    crc = seal(data[_CRC_FROM:], number, offset)
    return data[:4] + crc.to_bytes(4, "little") + data[_CRC_FROM:]


def _sound(raw: bytes, number: int, offset: int) -> bool:
    crc = int.from_bytes(raw[4:_CRC_FROM], "little")
    return seal(raw[_CRC_FROM:], number, offset) == crc
