"""Measures the liveness check on clips of live faces and of attacks, in the terms of ISO 30107-3.

APCER: the share of attacks of one species that pass; BPCER: the share of live faces that are
refused; APNRR and BPNRR: the shares that stay undecided. A trial is a window of as many frames as
the check wants, windows not overlapping. Undecided is counted apart and read both ways: a door
counts it as refused, and among those decided alone the networks are judged. Not here: whom the
figures speak for, which the data decide (``docs/accuracy-liveness.md``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.core.errors import PackError
from models.detector import BUDGET_PX, FaceDetector
from models.intervals import Share
from models.livecheck import LivenessCheck
from models.liveness import Glance, Judgement, Liveness, LivenessRule, judge
from models.pad_data import Clip
from models.turn import HeadTurn, Side, TurnRule
from models.values import FoundFace, Image

Spoil = Callable[[Image, FoundFace], Image]
_FRAME_NS = 200_000_000
_TIGHT = 0.3
EVERY = "every species together"


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A clip and what was seen frame by frame (None: no face).

    ``strained``: under each strain the glance, and what the networks alone would have said.
    """

    clip: Clip
    faces: tuple[FoundFace | None, ...]
    glances: tuple[Glance | None, ...]
    strained: Mapping[str, tuple[tuple[Glance, Glance] | None, ...]]


def grey(picture: Image, _face: FoundFace) -> Image:
    """As a camera at night."""
    one = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2BGR), np.uint8)


def tight(picture: Image, face: FoundFace) -> Image:
    """The face with little round it, as a print or screen that fills the picture."""
    height, width = picture.shape[:2]
    x, y = face.box.width * _TIGHT, face.box.height * _TIGHT
    left, top = max(int(face.box.left - x), 0), max(int(face.box.top - y), 0)
    right, bottom = min(int(face.box.right + x), width), min(int(face.box.bottom + y), height)
    return np.ascontiguousarray(picture[top:bottom, left:right])


def swapped(picture: Image, _face: FoundFace) -> Image:
    """Red for blue: the mistake that the golden answers of the pack catch."""
    return np.ascontiguousarray(picture[:, :, ::-1])


STRAINS: Mapping[str, Spoil] = {"grey": grey, "tight": tight, "colours_swapped": swapped}


def look(detector: FaceDetector, check: LivenessCheck, clips: Iterable[Clip]) -> list[Looked]:
    """Every clip, looked at; the largest face of each picture is the one that is judged."""
    return [_look(detector, check, clip) for clip in clips]


def _look(detector: FaceDetector, check: LivenessCheck, clip: Clip) -> Looked:
    faces: list[FoundFace | None] = []
    glances: list[Glance | None] = []
    strained: dict[str, list[tuple[Glance, Glance] | None]] = {name: [] for name in STRAINS}
    for path in clip.pictures:
        picture = _opened(path)
        face, glance = _glance(detector, check, picture)
        faces.append(face)
        glances.append(glance)
        for name, spoil in STRAINS.items():
            again = None if face is None else spoil(picture, face)
            strained[name].append(None if again is None else _strained(detector, check, again))
    kept = {name: tuple(rows) for name, rows in strained.items()}
    return Looked(clip, tuple(faces), tuple(glances), kept)


def _glance(
    detector: FaceDetector, check: LivenessCheck, picture: Image
) -> tuple[FoundFace | None, Glance | None]:
    found = detector.detect(picture, BUDGET_PX)
    if not found:
        return None, None
    face = max(found, key=lambda one: one.box.width * one.box.height)
    return face, check.glance(picture, face, found)


def _strained(
    detector: FaceDetector, check: LivenessCheck, picture: Image
) -> tuple[Glance, Glance] | None:
    face, glance = _glance(detector, check, picture)
    return None if face is None or glance is None else (glance, check.ask(picture, face))


def _opened(path: Path) -> Image:
    data = np.fromfile(path, np.uint8)
    raw = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if raw is None:
        raise PackError(f"{path} is no picture")
    return np.asarray(raw, np.uint8)


def windows(glances: Sequence[Glance | None], rule: LivenessRule) -> list[Judgement]:
    """Judgements of windows that do not overlap; a rest too short for one is judged too."""
    size = rule.frames
    parts = [glances[at : at + size] for at in range(0, len(glances), size)]
    whole = [part for part in parts if len(part) == size] or parts
    return [judge([one for one in part if one is not None], rule) for part in whole]


def report(looked: Sequence[Looked], rule: LivenessRule) -> dict[str, Any]:
    """Everything that was measured, for JSON; shares as fractions with exact 95 % intervals."""
    groups: dict[tuple[str, str], list[Looked]] = {}
    for one in looked:
        groups.setdefault((one.clip.collection, one.clip.species), []).append(one)
    rows = [_row(name, species, some, rule) for (name, species), some in groups.items()]
    attacks = [one for one in looked if not one.clip.live]
    collections = sorted({one.clip.collection for one in attacks})
    whole = [
        _row(name, EVERY, [one for one in attacks if one.clip.collection == name], rule)
        for name in collections
    ]
    return {
        "rule": {"frames": rule.frames, "threshold": rule.threshold, "print_refuses": rule.refuse},
        "live": [row for row in rows if row["species"] == "live"],
        "attacks": [row for row in rows if row["species"] != "live"],
        "all_attacks": whole,
        "strains": {name: _strain(name, looked, rule) for name in STRAINS},
        "turn": _turns(attacks),
    }


def _row(
    collection: str, species: str, looked: Sequence[Looked], rule: LivenessRule
) -> dict[str, Any]:
    judged = [windows(one.glances, rule) for one in looked]
    flat = [one for some in judged for one in some]
    decided = [one for one in flat if one.outcome is not Liveness.UNDECIDED]
    live = species == "live"
    wrong = Liveness.REFUSE if live else Liveness.CLEAR
    wrongs = sum(one.outcome is wrong for one in flat)
    unsure = len(flat) - len(decided)
    wrong_clips = sum(any(one.outcome is wrong for one in some) for some in judged)
    at_door = wrongs + unsure if live else wrongs
    name = "bpcer" if live else "apcer"
    return {
        "collection": collection,
        "species": species,
        "people": len({one.clip.person for one in looked}),
        "clips": len(looked),
        "frames": sum(len(one.clip.pictures) for one in looked),
        "windows": len(flat),
        "decided": len(decided),
        name: Share(at_door, len(flat)).told(),
        f"{name}_of_decided": Share(wrongs, len(decided)).told(),
        f"{name}_clips": Share(wrong_clips, len(looked)).told(),
        "bpnrr" if live else "apnrr": Share(unsure, len(flat)).told(),
        "why_undecided": dict(Counter(one.doubt.value for one in flat if one.doubt is not None)),
        "frames_doubted": _doubts(one.glances for one in looked),
        f"frames_{'refused' if live else 'accepted'}": _frames(looked, rule, live=live).told(),
    }


def _frames(looked: Sequence[Looked], rule: LivenessRule, *, live: bool) -> Share:
    """Of single frames without a doubt: what the networks alone would get wrong."""
    clear = [g for one in looked for g in one.glances if g is not None and g.doubt is None]
    passes = sum(glance.live >= rule.threshold for glance in clear)
    return Share(len(clear) - passes if live else passes, len(clear))


def _doubts(rows: Iterable[Sequence[Glance | None]]) -> dict[str, int]:
    every = (glance for row in rows for glance in row)
    words = (_word(glance) for glance in every)
    return dict(Counter(word for word in words if word))


def _word(glance: Glance | None) -> str:
    if glance is None:
        return "no-face"
    return "" if glance.doubt is None else glance.doubt.value


def _strain(name: str, looked: Sequence[Looked], rule: LivenessRule) -> dict[str, Any]:
    """What becomes of all windows when the pictures are spoilt, and of frames without doubts."""
    told: dict[str, Any] = {}
    for kind in ("live", "attack"):
        rows = [one.strained[name] for one in looked if one.clip.live is (kind == "live")]
        glances = [[pair and pair[0] for pair in row] for row in rows]
        counts = Counter(one.outcome for row in glances for one in windows(row, rule))
        asked = [pair[1].live >= rule.threshold for row in rows for pair in row if pair]
        told[kind] = {
            "windows": {word.value: counts[word] for word in Liveness},
            "frames_accepted_by_networks_alone": Share(sum(asked), len(asked)).told(),
        }
    return told


def _turns(attacks: Sequence[Looked]) -> dict[str, Any]:
    """Attack clips as answers to a prompted turn, to both sides: how many pass a single one."""
    rule = TurnRule(turns=1)
    long = [one for one in attacks if sum(face is not None for face in one.faces) > rule.frames]
    ends = [{side: turned(one.faces, side, rule) for side in Side} for one in long]
    either = sum(any(end is Liveness.CLEAR for end in both.values()) for both in ends)
    counts = Counter(end.value for both in ends for end in both.values())
    return {
        "clips": len(long),
        "passed_to_either_side": Share(either, len(long)).told(),
        "outcomes_of_both_sides": dict(counts),
    }


def turned(faces: Sequence[FoundFace | None], side: Side, rule: TurnRule) -> Liveness:
    """What a prompted turn to *side* makes of a clip, at five frames a second."""
    turn = HeadTurn(0, rule, lambda: side)
    now_ns = 0
    for face in faces:
        now_ns += _FRAME_NS
        if face is None:
            turn.tick(now_ns)
        elif turn.outcome is None:
            turn.look(1, face, now_ns)
    turn.tick(now_ns + round((rule.limit_s + 1) * 1e9))
    return turn.outcome or Liveness.UNDECIDED
