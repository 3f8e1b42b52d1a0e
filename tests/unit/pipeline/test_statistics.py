"""Statistics of strangers on disk: added up, bounded, and nobody in them."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from agent.border import messages as border
from agent.core.errors import StoreError
from agent.pipeline.statistics import MOST_TRACKS, SiteStatistics, read_statistics
from models.strangers import Batch, Strangers

DIM = 128
MODEL = "test@00000000"
REVIEW = 0.4
Rows = npt.NDArray[np.floating[Any]]


def passers_by(count: int, seed: int) -> Rows:
    """Unit templates with the common part that those of real networks have."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, DIM)) + 0.3
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def batch_of(rows: Rows, seed: int) -> Batch:
    strangers = Strangers(DIM, np.random.default_rng(seed + 77).standard_normal)
    strangers.passed(3600.0)
    for row in rows:
        strangers.add(row, 20)
        strangers.ended(0.15)
    batch = strangers.take()
    assert batch is not None
    return batch


def told_of(batch: Batch, model_id: str = MODEL) -> border.Strangers:
    return border.Strangers(
        model_id=model_id,
        tracks=batch.tracks,
        entries=batch.entries,
        seconds=batch.seconds,
        scores=list(batch.scores),
        **asdict(batch.moments),
    )


def give(statistics: SiteStatistics, batch: Batch, model_id: str = MODEL) -> None:
    statistics.add(told_of(batch, model_id))


def numbers_in(path: Path) -> Rows:
    """Every number of the file, in order: what a template would have to hide among."""
    found: list[float] = []
    values: list[Any] = [json.loads(path.read_text())]
    while values:
        value = values.pop(0)
        if isinstance(value, dict):
            values = [*value.values(), *values]
        elif isinstance(value, list):
            values = [*value, *values]
        elif isinstance(value, int | float):
            found.append(float(value))
    return np.array(found, np.float64)


def likest(numbers: Rows, planted: Rows) -> float:
    """How much any run of numbers is like any of the planted templates."""
    runs = np.lib.stride_tricks.sliding_window_view(numbers, DIM)
    kept = runs[np.linalg.norm(runs, axis=1) > 0]
    units = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    return float(np.abs(units @ planted.T).max())


def test_batches_add_up(tmp_path: Path) -> None:
    statistics = SiteStatistics(tmp_path / "s.json")
    rows = passers_by(2000, 1)
    for number in range(4):
        give(statistics, batch_of(rows[number * 500 : number * 500 + 500], number))
    kept = read_statistics(statistics.path)
    assert (kept.tracks, kept.entries, kept.seconds) == (2000, 40_000, 14_400)
    assert sum(kept.scores) == 2000
    assert kept.length == pytest.approx(float((rows.mean(0) ** 2).sum()), rel=0.1)
    assert kept.spread == pytest.approx(np.trace(np.cov(rows.T)), rel=0.05)
    assert statistics.path.stat().st_mode & 0o077 == 0


def test_nobody_is_found_in_the_file_nor_between_two_of_them(tmp_path: Path) -> None:
    """Every passer-by is planted, one of them in every tenth passage."""
    statistics, guard = SiteStatistics(tmp_path / "s.json"), passers_by(1, 5)
    by_chance = likest(np.random.default_rng(1).random(420), passers_by(400, 6))
    before: Rows | None = None
    for number in range(5):
        planted = passers_by(400, 100 + number)
        planted[::10] = guard
        give(statistics, batch_of(planted, number))
        data, numbers = statistics.path.read_bytes(), numbers_in(statistics.path)
        for row in planted:
            assert row.tobytes() not in data
            assert row.astype("<f8").tobytes() not in data
            assert base64.b64encode(row.tobytes())[:-4] not in data
        assert len(numbers) < 420
        assert likest(numbers, planted) < max(by_chance, REVIEW)
        if before is not None:
            assert likest(numbers - before, planted) < max(by_chance, REVIEW)
        before = numbers


def test_another_embedder_begins_anew(tmp_path: Path) -> None:
    statistics = SiteStatistics(tmp_path / "s.json")
    give(statistics, batch_of(passers_by(200, 1), 1))
    give(statistics, batch_of(passers_by(300, 2), 2), "other@00000000")
    kept = read_statistics(statistics.path)
    assert (kept.model_id, kept.tracks) == ("other@00000000", 300)


def test_a_damaged_file_begins_anew_and_is_told_to_who_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    for damaged in (b"{", b"[]", b'{"format": 1}', b"\xff"):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="damaged"):
            read_statistics(path)
        give(SiteStatistics(path), batch_of(passers_by(200, 1), 1))
        assert read_statistics(path).tracks == 200


def test_the_border_takes_no_statistics_of_a_few_and_no_sums_of_their_own() -> None:
    told = told_of(batch_of(passers_by(200, 1), 1))
    assert border.decode_from_vision(border.encode(told)) == told
    for fault in ({"tracks": 199}, {"squares": -1.0}, {"scores": [1]}, {"mean": [0.1]}):
        broken = json.dumps({**json.loads(border.encode(told)), **fault}).encode()
        with pytest.raises(border.BorderError):
            border.decode_from_vision(broken)


def test_the_file_does_not_grow_and_old_passages_count_less(tmp_path: Path) -> None:
    statistics = SiteStatistics(tmp_path / "s.json")
    many = replace(told_of(batch_of(passers_by(200, 1), 1)), tracks=MOST_TRACKS, seconds=1e6)
    for _ in range(6):
        statistics.add(many)
    kept = read_statistics(statistics.path)
    assert kept.tracks <= MOST_TRACKS
    assert kept.seconds / kept.tracks == pytest.approx(1e6 / MOST_TRACKS)
    assert kept.spread == pytest.approx(many.spread)
    assert statistics.path.stat().st_size < 4096


def test_a_disk_that_refuses_loses_a_batch_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.mkdir()
    with pytest.raises(StoreError):
        give(SiteStatistics(path), batch_of(passers_by(200, 1), 1))
