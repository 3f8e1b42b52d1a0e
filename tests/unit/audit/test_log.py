"""The audit log at work: notes become durable records, trouble is told, breaks are marked."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent.audit import log as log_module
from agent.audit.folder import file_for, files_of, read_head, verify
from agent.audit.throttle import BURST
from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from tests.support.audit import KEY, OTHER_KEY, Bench

DAY_S = 86_400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def bench(folder: Path, clock: ManualClock) -> Bench:
    return Bench(folder, clock)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for p in files_of(folder) for line in p.read_bytes().splitlines()]


def gaps(folder: Path) -> list[dict[str, Any]]:
    return [record["what"] for record in records(folder) if record["kind"] == "gap"]


def test_notes_are_kept_in_order_with_their_own_time(bench: Bench, clock: ManualClock) -> None:
    bench.log.open()
    bench.log.note(AuditKind.COMMAND, "cancheng", {"name": "door.open"})
    clock.advance(60)
    bench.log.note(AuditKind.UNLOCK, "gate", {"output": "lock-1"})
    bench.reaches(2)
    first, second = records(bench.folder)
    assert (first["kind"], first["who"], first["what"]) == (
        "command",
        "cancheng",
        {"name": "door.open"},
    )
    assert second["monotonic_ns"] - first["monotonic_ns"] == 60_000_000_000
    assert (first["at"], second["at"]) == ("2026-11-21T08:00:00.000Z", "2026-11-21T08:01:00.000Z")
    head = bench.log.head
    assert head is not None
    assert (head.n, head.hash) == (2, second["hash"])
    bench.log.close()


def test_closing_writes_what_was_noted_and_the_head(bench: Bench, clock: ManualClock) -> None:
    bench.life(1200)
    verdict = verify(bench.folder, [KEY])
    assert (verdict.ok, verdict.records) == (True, 1200)
    kept = read_head(bench.folder)
    assert kept is not None
    assert kept.head == verdict.head
    again = Bench(bench.folder, clock)
    again.log.open()
    again.reaches(1200)
    again.log.close()
    assert again.troubles == []


def test_a_log_that_was_never_opened_closes(bench: Bench) -> None:
    bench.note()
    bench.log.close()


def test_a_configuration_is_written_down_when_it_changes(folder: Path, clock: ManualClock) -> None:
    for sha256 in ("aa", "aa", "bb", "bb", "aa"):
        bench = Bench(folder, clock)
        bench.log.configured(sha256)
        bench.life(1)
    told = [r["what"]["sha256"] for r in records(folder) if r["kind"] == "config"]
    assert told == ["aa", "bb", "aa"]


def test_a_torn_end_is_repaired_with_a_marker(bench: Bench, clock: ManualClock) -> None:
    bench.life(3)
    (path,) = files_of(bench.folder)
    with path.open("ab") as file:
        file.write(b'{"at":')
    again = Bench(bench.folder, clock)
    again.life(1)
    assert gaps(bench.folder) == [{"why": "torn", "bytes": 6}]
    assert again.troubles == []
    assert verify(bench.folder, [KEY]).ok


def test_a_cut_end_is_found_by_the_head_beside_it(bench: Bench, clock: ManualClock) -> None:
    bench.life(5)
    (path,) = files_of(bench.folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    again = Bench(bench.folder, clock)
    again.log.open()
    again.loop.until(lambda: again.troubles)
    again.log.close()
    ((code, text),) = again.troubles
    assert code == "audit-broken"
    assert "record 4 is missing, and all up to 5" in str(text)
    assert gaps(bench.folder) == [{"why": "cut", "records": "4", "known": 5}]
    verdict = verify(bench.folder, [KEY])
    assert (verdict.ok, len(verdict.breaks)) == (False, 0)


def test_a_broken_chain_is_named_marked_once_and_continued(
    bench: Bench, clock: ManualClock
) -> None:
    bench.life(5)
    (path,) = files_of(bench.folder)
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":7'))
    again = Bench(bench.folder, clock)
    again.log.open()
    again.note(2)
    again.loop.until(lambda: again.troubles)
    again.log.close()
    ((_, text),) = again.troubles
    assert "record 3: was altered" in str(text)
    third = Bench(bench.folder, clock)
    third.life(1)
    third.reaches(9)
    assert third.troubles == []
    assert [(g["why"], g["records"]) for g in gaps(bench.folder)] == [("broken", "3")]
    verdict = verify(bench.folder, [KEY])
    assert [found.n for found in verdict.breaks] == [3]
    assert (verdict.ok, verdict.head.n) == (False, 9)


def test_a_break_in_an_older_file_is_found_too(
    bench: Bench, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.log._worker._trail._max_file = 1
    for _ in range(3):
        bench = Bench(bench.folder, clock)
        bench.log._worker._trail._max_file = 1
        bench.life(2)
    files_of(bench.folder)[1].unlink()
    again = Bench(bench.folder, clock)
    again.log.open()
    again.loop.until(lambda: again.troubles)
    again.log.close()
    assert "record 3: is missing; 5 follows record 2" in str(again.troubles[0][1])


def test_while_the_disk_refuses_notes_wait_and_then_all_are_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.audit.worker.REOPEN_S", 0.0)
    sync, refuse = os.fdatasync, [True]

    def fdatasync(descriptor: int) -> None:
        if refuse:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    bench.note(3)
    bench.log.open()
    bench.loop.until(lambda: bench.troubles)
    code, text = bench.troubles[0]
    assert code == "audit-store"
    assert "kept in memory only" in str(text)
    assert bench.log.head is None
    refuse.clear()
    bench.reaches(3)
    bench.loop.until(lambda: bench.troubles[-1] == ("audit-store", None))
    bench.log.close()
    assert verify(bench.folder, [KEY]).ok
    assert [r["what"]["number"] for r in records(bench.folder)] == [0, 1, 2]


def test_what_does_not_fit_into_memory_is_counted_and_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_WAITING", 5)
    bench.note(8)
    bench.life()
    assert [r["kind"] for r in records(bench.folder)] == ["unlock"] * 5 + ["gap"]
    assert gaps(bench.folder) == [{"why": "lost", "notes": 3}]
    assert verify(bench.folder, [KEY]).ok


def test_a_flood_of_refusals_does_not_fill_the_disk(bench: Bench, clock: ManualClock) -> None:
    for _ in range(BURST + 500):
        bench.log.note(AuditKind.REFUSAL, "somebody", {"reason": "malformed"})
    bench.note()
    bench.life()
    found = records(bench.folder)
    assert len(found) == BURST + 1
    assert found[-1]["what"]["refusals_not_written"] == 500


def test_records_of_a_year_ago_go_and_it_is_said(folder: Path, clock: ManualClock) -> None:
    for _ in range(4):
        bench = Bench(folder, clock)
        bench.log._worker._trail._max_file = 1
        bench.life(1)
        clock.advance(150 * DAY_S)
    bench = Bench(folder, clock)
    bench.log._worker._trail._max_file = 1
    bench.log.open()
    bench.log.forget()
    bench.log.note(AuditKind.VIEW, "uid 0", {})
    bench.reaches(6)
    bench.log.close()
    assert next(path.name for path in files_of(folder)) == file_for(folder, 2).name
    (told,) = (r for r in records(folder) if r["kind"] == "deletion")
    assert (told["who"], told["what"]["files"]) == ("retention", 1)
    assert verify(folder, [KEY]).ok


def test_nothing_is_forgotten_by_a_clock_that_nobody_vouches_for(
    bench: Bench, clock: ManualClock
) -> None:
    clock.set_synced(synced=False)
    bench.log.forget()
    assert bench.log._queue.empty()


def test_a_log_of_another_key_is_named(bench: Bench, clock: ManualClock) -> None:
    bench.life(2)
    again = Bench(bench.folder, clock, OTHER_KEY)
    again.log.open()
    again.loop.until(lambda: again.troubles)
    again.log.close()
    assert "key k1 is not here" in str(again.troubles[0][1])
