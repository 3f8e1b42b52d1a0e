"""The statistics of a gate's strangers, kept: one small file of figures, as large on the last day.

Here: adding what vision gives to what is kept, reading it again. There is no template in it, and
nothing that one could be made of: ``models.strangers`` says why. Another embedder begins a new
file, and of very many passages older ones count less. Not here: what is predicted
(``models.calibrate``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.border.messages import FEWEST_TRACKS, SCORE_BINS, Amount, Strangers
from agent.core.errors import StoreError
from agent.files.atomic import write_atomic

log = logging.getLogger(__name__)

FILE = "strangers.json"
MOST_TRACKS = 200_000
MAX_FILE_BYTES = 64 * 1024
MOMENTS = ("length", "spread", "squares", "along")


class Kept(BaseModel):
    """The file. Moments are means over all tracks; everything else is summed."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    format: Literal[1] = 1
    model_id: Annotated[str, Field(max_length=100)]
    tracks: Annotated[float, Field(ge=FEWEST_TRACKS, allow_inf_nan=False)]
    entries: Amount
    seconds: Amount
    length: Amount
    spread: Amount
    squares: Amount
    along: Amount
    scores: Annotated[list[Amount], Field(min_length=SCORE_BINS, max_length=SCORE_BINS)]


@dataclass(frozen=True, slots=True)
class SiteStatistics:
    """Adds to the file at ``path``; nothing of it is held in memory."""

    path: Path

    def add(self, told: Strangers) -> None:
        """Add what vision gathered, durably; StoreError when the disk refuses."""
        kept = _joined(self._before(told.model_id), told)
        try:
            write_atomic(self.path, kept.model_dump_json().encode())
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from error

    def _before(self, model_id: str) -> Kept | None:
        """What stands of the same embedder. A damaged file is begun anew: it is only statistics."""
        try:
            kept = read_statistics(self.path)
        except FileNotFoundError:
            return None
        except StoreError as error:
            log.warning("statistics of strangers begin anew: %s", error)
            return None
        return kept if kept.model_id == model_id else None


def read_statistics(path: Path) -> Kept:
    """What stands at *path*; FileNotFoundError without a file, StoreError when it is damaged."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return Kept.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(f"{path} is damaged") from error


def _joined(before: Kept | None, told: Strangers) -> Kept:
    """Both together; above ``MOST_TRACKS`` all counts are halved."""
    tracks, entries, seconds = float(told.tracks), float(told.entries), told.seconds
    scores = [float(count) for count in told.scores]
    moments = {name: float(getattr(told, name)) for name in MOMENTS}
    if before is not None:
        tracks, entries = tracks + before.tracks, entries + before.entries
        seconds += before.seconds
        scores = list(map(float.__add__, scores, before.scores))
        fresh = told.tracks / tracks
        for name in MOMENTS:
            moments[name] = fresh * moments[name] + (1 - fresh) * getattr(before, name)
    share = 0.5 if tracks > MOST_TRACKS else 1.0
    return Kept(
        model_id=told.model_id,
        tracks=tracks * share,
        entries=entries * share,
        seconds=seconds * share,
        length=moments["length"],
        spread=moments["spread"],
        squares=moments["squares"],
        along=moments["along"],
        scores=[count * share for count in scores],
    )
