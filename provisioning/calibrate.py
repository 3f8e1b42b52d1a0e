"""``gatehouse models calibrate``: what this gate's own passers-by say of the threshold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.core.errors import CheckFailedError
from provisioning.call import ConfigOption, load_config
from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from agent.config.schema.root import Config
    from agent.pipeline.statistics import Kept
    from models.calibrate import Gathered, Proposal
    from models.manifest import Body


def calibrate(
    config: ConfigOption,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A copy of a gate's strangers.json; default: this gate's own."),
    ] = None,
    per_day: Annotated[
        float, typer.Option("--per-day", min=0.0001, help="False leads a day to put up with.")
    ] = 0.1,
    entries: Annotated[
        int | None, typer.Option("--entries", min=1, help="As if the list had so many entries.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Predict false leads a day at each threshold from statistics of passers-by; propose one."""
    from agent.pipeline.statistics import FILE
    from models.calibrate import Gathered, propose

    running = load_config(config)
    kept = _kept(source or running.node.data_dir / FILE)
    body = _body(running, kept.model_id)
    bins = len(kept.scores)
    gathered = Gathered(
        round(kept.tracks),
        round(kept.entries),
        kept.seconds,
        [round(count) for count in kept.scores],
        _edges(bins),
    )
    found = propose(gathered, body.thresholds, running.faces.frames, per_day, entries)
    told = _told(running, kept, body, gathered, found)
    show(told, _text(told, per_day), as_json=as_json)


def _kept(path: Path) -> Kept:
    from agent.pipeline.statistics import read_statistics

    try:
        return read_statistics(path)
    except FileNotFoundError as error:
        raise CheckFailedError(
            f"{path} is not there yet: statistics are written once 200 people were compared with"
            " a list; let the gate run for some days"
        ) from error


def _body(running: Config, model_id: str) -> Body:
    from models.manifest import Body
    from models.packs import list_packs, models_dir

    folder = models_dir(running.models.dir)
    for state in list_packs(folder):
        body = state.manifest and state.manifest.body
        if isinstance(body, Body) and body.model_id == model_id:
            return body
    raise CheckFailedError(f"the statistics are of {model_id}, and {folder} has no pack of it")


def _edges(bins: int) -> list[float]:
    from agent.border.messages import HIGHEST_SCORE, LOWEST_SCORE

    return [LOWEST_SCORE + (HIGHEST_SCORE - LOWEST_SCORE) * n / bins for n in range(bins + 1)]


def _told(
    running: Config, kept: Kept, body: Body, gathered: Gathered, found: Proposal
) -> dict[str, Any]:
    from models.calibrate import alike

    mean, deviation = alike(
        kept.length, kept.spread, kept.squares, kept.along, body.embedder.metric
    )
    lead = body.thresholds.lead(running.faces.frames)
    return {
        "model_id": kept.model_id,
        "review_only": body.review_only,
        "tracks": gathered.tracks,
        "days": round(kept.seconds / 86_400, 2),
        "tracks_a_day": round(gathered.tracks_a_day, 1),
        "entries": round(gathered.mean_entries, 1),
        "strangers_alike": {"mean": round(mean, 4), "deviation": round(deviation, 4)},
        "pack_threshold": lead,
        "in_use": running.faces.threshold or lead,
        "proposed": found.threshold,
        "because": found.limit,
        "false_leads_a_day": [
            {
                "threshold": row.threshold,
                "expected": float(f"{row.expected:.3g}"),
                "at_most": float(f"{row.at_most:.3g}"),
            }
            for row in found.table
        ],
    }


def _text(told: dict[str, Any], per_day: float) -> str:
    seen = f"{told['tracks']} passages in {told['days']:g} days, {told['tracks_a_day']:g} a day"
    lines = [
        f"{seen}, compared with {told['entries']:g} entries by {told['model_id']}",
        "threshold   false leads a day: expected   at most",
    ]
    for row in told["false_leads_a_day"]:
        mark = _mark(told, row["threshold"])
        if mark or row["at_most"] >= per_day / 100:
            figures = f"{row['expected']:>27.3g}   {row['at_most']:>7.3g}"
            lines.append(f"{row['threshold']:>9.3f}   {figures}{mark}")
    if told["proposed"] is None:
        lines.append(told["because"])
    else:
        lines.append(f"proposed: faces: {{threshold: {told['proposed']:g}}} ({told['because']})")
    if told["review_only"]:
        lines.append("this pack is for review only: these are looks of a guard, not leads")
    return "\n".join(lines)


def _mark(told: dict[str, Any], threshold: float) -> str:
    words = {"in use": "in_use", "the pack's": "pack_threshold", "proposed": "proposed"}
    marks = [
        word
        for word, name in words.items()
        if told[name] is not None and abs(told[name] - threshold) < 1e-9
    ]
    return f"  <- {', '.join(marks)}" if marks else ""
