"""One drill: its scenario and its place, what became of it, and the report about it.

Here: frozen values. Not here: when a drill begins and ends (``agent.incidents.drills``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.config.schema.base import Label
from agent.core.answers import Answer
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Details
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from contract.words import Kind, Status


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scenario raises: which kind, at inputs of which type, in which words."""

    kind: Kind
    devices: str
    text: Text


CALL, CALLED = "call", "call.made"
SCENES: Mapping[str, Scene] = {
    "panic": Scene(Kind.PANIC, "panic", Text("panic button", "紧急按钮报警")),
    CALL: Scene(Kind.PANIC, "panic", Text("one call, many respond", "一呼百应")),
    "duress": Scene(Kind.DURESS, "panic", Text("duress", "胁迫报警")),
    "medical": Scene(Kind.MEDICAL, "medical", Text("medical help", "医疗求助")),
    "assist": Scene(Kind.ASSIST, "assist", Text("assistance", "求助")),
    "intrusion": Scene(Kind.INTRUSION, "door", Text("intrusion", "非法闯入")),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """An input where a drill may take place."""

    type: str
    where: str
    label: Label


@dataclass(frozen=True, slots=True)
class Stage:
    """The gate as a drill finds it: its own name, its inputs, what lights and what sounds.

    ``calls`` are the areas that it calls. ``real`` answers whether something real is going on that
    people answer or that drives outputs.
    """

    gate: str
    label: Label
    spots: Mapping[str, Spot]
    outputs: Sequence[str]
    real: Callable[[], bool]
    calls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drill's timeline."""

    at: Stamp
    what: str
    by: str
    details: Details


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill; ``ended`` is None while it runs, ``cmds`` the commands that were about it.

    ``limits`` are those of 1-3-5 that held when it began, seconds by stage.
    """

    drill_id: str
    scenario: str
    device: str
    where: str
    began: Stamp
    for_s: float
    seed: int
    cmds: tuple[str, ...]
    incident: IncidentId | None = None
    alerts: tuple[AlertId, ...] = ()
    met: Mapping[int, float] = field(default_factory=dict)
    real: tuple[IncidentId, ...] = ()
    lines: tuple[Line, ...] = ()
    ended: Stamp | None = None
    why: str = ""
    limits: Mapping[int, float] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Of its incident."""
        return SCENES[self.scenario].kind

    @property
    def key(self) -> str:
        """Of its incident in the book; no rule's key has a slash."""
        return f"drill/{self.drill_id}"

    @property
    def over_ns(self) -> int:
        """Monotonic ns at which it ends by itself."""
        return self.began.monotonic_ns + round(self.for_s * NS_PER_S)

    def after_s(self, at: Stamp) -> float:
        """Seconds from its beginning to *at*."""
        return round((at.monotonic_ns - self.began.monotonic_ns) / NS_PER_S, 1)


def report(drill: Drill, now: Stamp, why: str, limits: Mapping[int, float]) -> Details:
    """The body of ``~/drill/report/drill/{id}``; *limits* are seconds by stage."""
    return {
        "report_id": drill.drill_id,
        "kind": "drill",
        "at": now.utc,
        "from": drill.began.utc,
        "to": now.utc,
        "status": Status.EXERCISE.value,
        "timeline": [
            {"at": line.at.utc, "what": line.what, "by": line.by, "details": line.details}
            for line in drill.lines
        ],
        "figures": _figures(drill, now, why, limits),
    }


def _figures(drill: Drill, now: Stamp, why: str, limits: Mapping[int, float]) -> Details:
    lasted_s = drill.after_s(now)
    broken = [s for s, limit_s in limits.items() if drill.met.get(s, lasted_s) > limit_s]
    return {
        "scenario": drill.scenario,
        "kind": drill.kind.value,
        "device": drill.device,
        "where": drill.where,
        "seed": drill.seed,
        "for_s": drill.for_s,
        "lasted_s": lasted_s,
        "why": why,
        "incident": drill.incident,
        "limits_s": {str(s): limit_s for s, limit_s in limits.items()},
        "met_s": {str(s): after_s for s, after_s in sorted(drill.met.items())},
        "broken": broken,
        "acked_s": _first(drill, "ack."),
        "answered": [
            {"who": line.by, "answer": line.what, "after_s": line.details["after_s"]}
            for line in drill.lines
            if line.what in set(Answer)
        ],
        "calls": {
            str(line.details["area"]): line.details["call_id"]
            for line in drill.lines
            if line.what == CALLED
        },
        "real_incidents": list(drill.real),
    }


def _first(drill: Drill, start: str) -> Mapping[str, object]:
    """Seconds to the first line of each name that begins so."""
    found: dict[str, object] = {}
    for line in drill.lines:
        if line.what.startswith(start):
            found.setdefault(line.what.removeprefix(start), line.details["after_s"])
    return found
