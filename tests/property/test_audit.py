"""Whatever is noted comes back from the log as it was, and no single edit of a line goes unseen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.audit.chain import START
from agent.audit.folder import files_of, verify
from agent.audit.record import MAX_FIELDS, MAX_TEXT, line_of, plain, read_line, sealed
from agent.audit.trail import Trail
from agent.core.audit import AuditKind, Head, What
from agent.core.clock import ManualClock, stamp
from tests.support.audit import KEY, chain, walked

texts = st.text(st.characters(), max_size=400)
whats = st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans()), max_size=30)


@given(st.sampled_from(AuditKind), texts, whats)
def test_every_note_makes_one_line_that_reads_back(kind: AuditKind, who: str, what: What) -> None:
    record = sealed(1, START.hash, stamp(ManualClock()), kind, who, what, KEY)
    line = line_of(record)
    assert line.count(b"\n") == 1
    assert read_line(line) == record
    assert walked([line]).breaks == []
    assert record.who == plain(who)
    assert len(record.what) <= MAX_FIELDS
    assert all(len(v) <= MAX_TEXT for v in record.what.values() if isinstance(v, str))


@given(st.data())
def test_no_edit_of_the_file_goes_unseen(data: st.DataObject) -> None:
    lines = chain(6, ManualClock())
    whole = b"".join(lines)
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, len(whole)))
    put = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from(lines)))
    changed = whole[:at] + put + whole[until:]
    last = read_line(lines[-1])
    verdict = walked(changed.splitlines(keepends=True), Head(last.n, last.hash))
    assert verdict.ok == (changed in (whole, whole.removesuffix(b"\n")))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 3000), st.data())
def test_a_log_cut_at_any_byte_is_repaired_and_goes_on(
    groups: list[int], max_file: int, data: st.DataObject
) -> None:
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "audit"
        trail = Trail(folder, max_file=max_file)
        for count in groups:
            trail.open()
            lines = chain(count, clock, after=trail.head)
            trail.append([(read_line(line), line) for line in lines])
        trail.close()
        newest = files_of(folder)[-1]
        cut = data.draw(st.integers(0, newest.stat().st_size))
        with newest.open("r+b") as file:
            file.truncate(cut)
        trail = Trail(folder, max_file=max_file)
        trail.open()
        lines = chain(2, clock, after=trail.head)
        trail.append([(read_line(line), line) for line in lines])
        trail.close()
        verdict = verify(folder, [KEY])
        assert verdict.ok, verdict.breaks
        assert verdict.head.n == trail.head.n
