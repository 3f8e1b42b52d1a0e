"""What several looks at one face come to: alive, not alive, or nobody can say. Pure.

Liveness is a veto that is lifted, never a key: the networks judge the border of a print or screen,
not the skin, so CLEAR means 'no sign of a print' and nothing more. Whatever cannot be judged is
UNDECIDED, which lifts nothing. Here: the words and the judgement over frames. Not here: looking at
a picture (``models.livecheck``), the prompted turn of the head (``models.turn``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Liveness(StrEnum):
    """The outcome."""

    CLEAR = "pass"
    REFUSE = "refuse"
    UNDECIDED = "undecided"


class Doubt(StrEnum):
    """Why a look cannot be judged."""

    GREY = "grey-frame"
    SMALL = "face-too-small"
    CLOSE = "face-fills-the-picture"
    CROWDED = "another-face-near"
    TURNED = "face-turned"
    FEW = "too-few-frames"


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a face: the probabilities of a live face and of a print, each the networks' mean.

    With a ``doubt`` the networks were not asked and both are 0.
    """

    live: float = 0.0
    print: float = 0.0
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class LivenessRule:
    """``frames`` clear looks at least; their mean ``live`` reaches ``threshold`` to pass.

    A single look whose ``print`` reaches ``refuse`` is enough to refuse.
    """

    frames: int
    threshold: float
    refuse: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome over ``frames`` clear looks, their mean ``live``, and why it is undecided."""

    outcome: Liveness
    frames: int
    live: float | None = None
    doubt: Doubt | None = None


def judge(glances: Sequence[Glance], rule: LivenessRule) -> Judgement:
    """What *glances*, all of one face followed without a gap, come to.

    Looks with a doubt count for nothing: too few without one is undecided, for the doubt that
    most of them have.
    """
    clear = [glance for glance in glances if glance.doubt is None]
    if len(clear) < rule.frames:
        doubts = Counter(glance.doubt for glance in glances if glance.doubt is not None)
        doubt = doubts.most_common(1)[0][0] if doubts else Doubt.FEW
        return Judgement(Liveness.UNDECIDED, len(clear), doubt=doubt)
    live = sum(glance.live for glance in clear) / len(clear)
    printed = any(glance.print >= rule.refuse for glance in clear)
    passed = live >= rule.threshold and not printed
    return Judgement(Liveness.CLEAR if passed else Liveness.REFUSE, len(clear), live)
