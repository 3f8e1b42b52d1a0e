"""The bytes of a segment: what was written is read, and nothing else ever is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.ports import Entry, Lane
from agent.outbox.segments import codec
from agent.outbox.segments.codec import SECTOR, Append, Numbers, Record, Remove, Row
from agent.outbox.segments.index import Index, cost, decode_index, encode_index, index_size, tail_of
from agent.outbox.segments.scan import scan

U64 = st.integers(0, 2**64 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NUMBERS = st.builds(Numbers, U64, U64, U64, U64)
ENTRIES = st.builds(Entry, TEXT, st.sampled_from(Lane), U64, TEXT, st.binary(max_size=1500), I64)
APPENDS = st.builds(Append, U64, ENTRIES)
RECORDS = st.lists(APPENDS | st.builds(Remove, st.lists(U64, max_size=30).map(tuple)), max_size=6)
PLACES = st.integers(1, 500).map(lambda sector: sector * SECTOR)
SEGMENTS = st.integers(1, 2**32 - 1)


def placed(data: bytes, offset: int, behind: int = 0) -> bytes:
    """A segment with *data* at *offset*."""
    return bytes(offset) + data + bytes(behind)


@given(SEGMENTS, PLACES, NUMBERS, RECORDS)
def test_a_commit_is_read_as_it_was_written(
    number: int, offset: int, numbers: Numbers, records: list[Record]
) -> None:
    data, commit = codec.encode_commit(number, offset, numbers, records)
    assert len(data) == codec.commit_size(records)
    assert commit.end == offset + len(data)
    whole = placed(data, offset)
    assert codec.commit_at(whole, number, offset) == commit
    appends = [record for record in records if isinstance(record, Append)]
    raws = [whole[row.offset : row.offset + row.length] for row in commit.rows]
    again = [
        codec.decode_append(raw, number, row.offset)
        for raw, row in zip(raws, commit.rows, strict=True)
    ]
    assert again == appends


@given(SEGMENTS, PLACES, RECORDS, st.data())
def test_no_changed_bit_of_a_commit_goes_unseen(
    number: int, offset: int, records: list[Record], data: st.DataObject
) -> None:
    written, commit = codec.encode_commit(number, offset, Numbers(), records)
    at = data.draw(st.integers(0, len(written.rstrip(b"\0")) - 1))
    changed = bytearray(written)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    found = codec.commit_at(placed(bytes(changed), offset), number, offset)
    assert found is None or found == commit


@given(SEGMENTS, PLACES, RECORDS, st.data())
def test_a_commit_counts_only_in_its_segment_at_its_place_and_whole(
    number: int, offset: int, records: list[Record], data: st.DataObject
) -> None:
    written, _ = codec.encode_commit(number, offset, Numbers(), records)
    whole = placed(written, offset)
    assert codec.commit_at(whole, number + 1, offset) is None
    assert codec.commit_at(placed(written, offset + SECTOR), number, offset + SECTOR) is None
    cut = data.draw(st.integers(0, len(written.rstrip(b"\0")) - 1))
    assert codec.commit_at(placed(written[:cut], offset, SECTOR), number, offset) is None


@given(SEGMENTS, NUMBERS, st.lists(APPENDS, max_size=8), st.lists(U64, max_size=30), PLACES)
def test_an_index_is_read_as_it_was_written(
    number: int, numbers: Numbers, appends: list[Append], removed: list[int], end: int
) -> None:
    _, commit = codec.encode_commit(number, SECTOR, numbers, appends)
    index = Index(numbers, commit.rows, tuple(removed), end)
    data = encode_index(number, index)
    tail = tail_of(data[-SECTOR:])
    assert tail.begun
    assert decode_index(data[-tail.length :], number) == index
    assert decode_index(data[-tail.length :], number + 1) is None
    assert len(data) == index_size(cost((row.id for row in commit.rows), len(removed)))


@given(SEGMENTS, st.lists(APPENDS, max_size=4), st.data())
def test_no_changed_bit_of_an_index_goes_unseen(
    number: int, appends: list[Append], data: st.DataObject
) -> None:
    _, commit = codec.encode_commit(number, SECTOR, Numbers(), appends)
    written = encode_index(number, Index(Numbers(), commit.rows, (), commit.end))
    length = tail_of(written[-SECTOR:]).length
    changed = bytearray(written[-length:])
    changed[data.draw(st.integers(0, length - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert decode_index(bytes(changed), number) is None


SNIPPETS = st.sampled_from([codec.COMMIT_MARK, codec.RECORD_MARK, b"\xff" * 8, bytes(8)])


@given(SEGMENTS, st.lists(st.binary(max_size=600) | SNIPPETS, max_size=20), st.booleans())
def test_whatever_stands_in_a_segment_reading_it_ends_and_invents_nothing(
    number: int, pieces: list[bytes], closed: bool
) -> None:
    found = scan(placed(b"".join(pieces), SECTOR), number, closed=closed)
    assert not found.rows
    assert not found.removed
    assert decode_index(b"".join(pieces), number) is None
    tail_of(b"".join(pieces)[-SECTOR:].rjust(SECTOR, b"\0"))


@settings(max_examples=60)
@given(
    SEGMENTS, st.lists(st.lists(APPENDS, min_size=1, max_size=4), min_size=2, max_size=6), st.data()
)
def test_of_a_damaged_segment_every_entry_is_found_that_was_not_hit(
    number: int, batches: list[list[Append]], data: st.DataObject
) -> None:
    whole, rows = bytearray(SECTOR), list[Row]()
    for batch in batches:
        written, commit = codec.encode_commit(number, len(whole), Numbers(), batch)
        whole += written
        rows += commit.rows
    hits = data.draw(st.lists(st.integers(SECTOR, len(whole) - 1), min_size=1, max_size=6))
    for hit in hits:
        whole[hit] ^= 0x5A
    found = scan(bytes(whole), number, closed=True)
    spared = [r for r in rows if not any(r.offset <= h < r.offset + r.length for h in hits)]
    assert sorted(found.rows) == sorted(spared)
