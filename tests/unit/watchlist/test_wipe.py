"""A wipe of the watchlist: off the disk, out of vision, out of what is under way, and told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from contract.words import Status
from tests.support.signed import listed
from tests.support.vision import ROW, Bench


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_a_wipe_takes_the_list_from_disk_and_vision(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    bench.apply(bench.made(entry_id="d"), status="Exercise")
    bench.list.wipe()
    assert bench.vision.galleries[-1] == ([], b"")
    assert bench.list.listing() == []
    assert b"w-1" not in bench.path.read_bytes()
    told = [(a.status, a.version, a.hash, a.applied_at) for a in bench.reported[2:]]
    assert told == [(Status.ACTUAL, 0, "", None), (Status.EXERCISE, 0, "", None)]
    kind, who, what = bench.audit.notes[-1]
    assert (kind, who, what) == (
        AuditKind.DELETION,
        "station",
        {"store": "watchlist", "entry": "all"},
    )


def test_the_file_that_was_is_overwritten_where_it_lay(bench: Bench, tmp_path: Path) -> None:
    bench.apply(bench.made())
    os.link(bench.path, tmp_path / "the-same-blocks")
    bench.list.wipe()
    assert b"w-1" not in (tmp_path / "the-same-blocks").read_bytes()


@pytest.mark.parametrize("rows", [ROW, b""])
def test_templates_that_come_after_a_wipe_are_for_nobody(bench: Bench, rows: bytes) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    bench.list.wipe()
    before = len(bench.audit.notes)
    if rows:
        bench.vision.answer(rows)
    else:
        bench.vision.answer(refused=["no face in it"])
    assert (bench.list.listing(), len(bench.audit.notes)) == ([], before)
    assert b"w-1" not in bench.path.read_bytes()
    bench.apply(listed(bench.clock, entry_id="next"), version=2)
    assert len(bench.vision.asked) == 1


def test_what_was_wiped_is_reported_at_every_birth_until_something_stands(
    bench: Bench, tmp_path: Path
) -> None:
    bench.apply(bench.made())
    bench.list.wipe()
    again = Bench(tmp_path, bench.clock)
    assert [(a.status, a.version) for a in again.list.reports()] == [(Status.ACTUAL, 0)]
    again.apply(again.made(), version=2)
    assert [(a.status, a.version) for a in again.list.reports()] == [(Status.ACTUAL, 2)]
