"""``gatehouse models calibrate``: a gate's file in, a threshold out, and why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.border.messages import SCORE_BINS, Strangers
from agent.pipeline.statistics import SiteStatistics
from models.packs import Pack
from models.strangers import bin_of
from provisioning.models import app

DAY_S = 86_400.0


def statistics_of(path: Path, model_id: str, *, mean: float, tracks: int = 20_000) -> Path:
    scores = [0] * SCORE_BINS
    draw = np.random.default_rng(1)
    for score in draw.normal(mean, 0.06, (tracks, 20)).max(1):
        scores[bin_of(float(score))] += 1
    told = Strangers(model_id, tracks, 20 * tracks, 10 * DAY_S, 1.2, 0.5, 0.01, 0.0, scores)
    SiteStatistics(path).add(told)
    return path


def calibrate(gate: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["calibrate", "--config", str(gate), *arguments])


@pytest.fixture
def gate(tmp_path: Path, packs_dir: Path) -> Path:
    example = Path(__file__).resolve().parents[3] / "examples" / "gate.yaml"
    text = example.read_text("utf-8")
    path = tmp_path / "gate.yaml"
    path.write_text(text.replace("\nmodels:\n", f"\nmodels:\n  dir: {packs_dir}\n"), "utf-8")
    return path


def test_a_threshold_is_proposed_and_every_one_has_its_figures(
    gate: Path, tmp_path: Path, pack: Pack
) -> None:
    file = statistics_of(tmp_path / "s.json", pack.manifest.body.model_id, mean=0.42)
    told = json.loads(calibrate(gate, "--from", str(file), "--json").stdout)
    assert (told["tracks"], told["tracks_a_day"], told["entries"]) == (20_000, 2000.0, 20.0)
    assert told["pack_threshold"] == 0.64
    assert 0.64 < told["proposed"] < 0.9
    rows = {row["threshold"]: row for row in told["false_leads_a_day"]}
    assert rows[0.64]["expected"] > 0.1
    assert rows[told["proposed"]]["at_most"] <= 0.1
    assert all(row["expected"] <= row["at_most"] for row in rows.values())
    text = calibrate(gate, "--from", str(file)).stdout
    assert f"proposed: faces: {{threshold: {told['proposed']:g}}}" in text
    assert "review only" in text


def test_a_wanted_rate_and_a_longer_list_move_it(gate: Path, tmp_path: Path, pack: Pack) -> None:
    file = str(statistics_of(tmp_path / "s.json", pack.manifest.body.model_id, mean=0.42))
    found = [
        json.loads(calibrate(gate, "--from", file, "--json", *more).stdout)["proposed"]
        for more in ((), ("--per-day", "0.01"), ("--entries", "500"))
    ]
    assert found[0] < found[1]
    assert found[0] <= found[2]


@pytest.mark.parametrize(
    ("tracks", "model_id", "why"),
    [
        (900, None, "too few"),
        (20_000, "other@00000000", "no pack of it"),
        (None, None, "not there yet"),
    ],
)
def test_without_enough_it_says_what_is_missing(
    gate: Path, tmp_path: Path, pack: Pack, tracks: int | None, model_id: str | None, why: str
) -> None:
    file = tmp_path / "s.json"
    if tracks is not None:
        statistics_of(file, model_id or pack.manifest.body.model_id, mean=0.3, tracks=tracks)
    result = calibrate(gate, "--from", str(file))
    assert result.exit_code != 0
    assert why in str(result.exception)
