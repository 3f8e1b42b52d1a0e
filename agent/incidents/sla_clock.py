"""One clock of 1-3-5: its stages, and its timeline.

Each clock has three stages: self-help (a guard, 60 s), mutual help (a neighbour, 180 s) and
reinforcement (the police, 300 s). Who comes meets the stages below as well: police at the gate are
help, too. Here: frozen values. Not here: when a clock begins and ends (``agent.incidents.sla``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.core.answers import Helper
from agent.core.clock import Stamp
from agent.core.decisions import Details
from agent.core.ids import AlertId, IncidentId
from contract.words import Kind, Severity, Status

NAME = "sla"
STAGES: Mapping[int, Helper] = {1: Helper.GUARD, 3: Helper.NEIGHBOUR, 5: Helper.POLICE}
_RANK = list(STAGES.values())


class Step(StrEnum):
    """Where one stage of a clock stands."""

    WAITING = "waiting"
    MET = "met"
    BROKEN = "broken"
    LATE = "late"


class Sign(StrEnum):
    """What a stage goes through."""

    ARRIVED = "help arrived"
    LIMIT = "limit passed"


TRANSITIONS = {
    (Step.WAITING, Sign.ARRIVED): Step.MET,
    (Step.WAITING, Sign.LIMIT): Step.BROKEN,
    (Step.BROKEN, Sign.ARRIVED): Step.LATE,
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline; ``chain`` is the SHA-256 over the line before and this one."""

    at: str
    what: str
    by: str
    details: Details
    chain: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one incident. ``met``, ``broken`` and ``limits`` are by stage: 1, 3, 5.

    The limits are those that held when it began.
    """

    incident: IncidentId
    kind: Kind
    status: Status
    severity: Severity
    device: str
    where: str
    began: Stamp
    met: Mapping[int, float] = field(default_factory=dict)
    broken: tuple[int, ...] = ()
    alerts: tuple[AlertId, ...] = ()
    timeline: tuple[Moment, ...] = ()
    limits: Mapping[int, float] = field(default_factory=dict)

    def step(self, stage: int) -> Step:
        """Where *stage* stands."""
        if stage in self.met:
            return Step.LATE if stage in self.broken else Step.MET
        return Step.BROKEN if stage in self.broken else Step.WAITING

    def open_to(self, sign: Sign) -> list[int]:
        """The stages for which *sign* changes something."""
        return [stage for stage in STAGES if (self.step(stage), sign) in TRANSITIONS]

    def went(self, stage: int, sign: Sign, after_s: float = 0.0) -> Clock:
        """This clock after *sign* for *stage*; ValueError where the table has no such move."""
        to = TRANSITIONS.get((self.step(stage), sign))
        if to is None:
            raise ValueError(f"a stage that is {self.step(stage)} cannot take '{sign}'")
        if to is Step.BROKEN:
            return replace(self, broken=(*self.broken, stage))
        return replace(self, met={**self.met, stage: after_s})


def stages_met(helper: Helper) -> list[int]:
    """The stages that are met when *helper* is there."""
    return [stage for stage, other in STAGES.items() if _RANK.index(other) <= _RANK.index(helper)]


def breach_key(incident: IncidentId, stage: int) -> str:
    """Of the incident that a broken limit of *incident* opens."""
    return f"{NAME}:{incident}:{stage}"


def chained(before: str, at: Stamp, what: str, by: str, details: Details) -> str:
    """SHA-256 over the line *before* and this one."""
    line = json.dumps([before, at.utc, what, by, dict(details)], sort_keys=True, default=str)
    return hashlib.sha256(line.encode()).hexdigest()
