"""Leads at a gate: what it is told of them, and what the station decides."""

from __future__ import annotations

from typing import Any

from agent.config.schema.answering import LeadsConfig
from agent.config.schema.base import Label
from agent.core.answers import Answer, Ordered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Decision
from agent.core.events import IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.incidents.leads import Knows, Leads
from contract.words import CommandName, Kind, Severity, Status
from tests.support.samples import Numbers
from tests.support.ways import Life

TELL = Text("Stay near. Call.", "保持距离，立即报告。")
OUTPUTS = {"watchlist.face": ("beacon-1",)}


def leads(clock: ManualClock, hushed: set[str] | None = None) -> Leads:
    """The way, with an instruction for entries that begin with w; *hushed* ones are not shown."""
    known = Knows(
        instruction=lambda entry, _: TELL if entry.startswith("w-") else None,
        hushed=lambda entry, _: entry in (hushed or set()),
        taken=lambda review: review.lead.entry_id in (hushed or set()),
        labels={"north": Label(en="North camera", zh="北门摄像机")},
        outputs=OUTPUTS,
        new_id=Numbers().new,
    )
    return Leads(LeadsConfig(wait_s=600.0), known)


def way(life: Life) -> Leads:
    """The way of a life that has no other."""
    (found,) = life.ways._ways
    assert isinstance(found, Leads)
    return found


def alert(life: Life, name: str = "a-1", **fields: Any) -> list[Decision]:
    """A lead went to the station."""
    details = {"entry_id": "w-17", "confirm": "required", **fields.pop("details", {})}
    values: dict[str, Any] = {
        "at": stamp(life.clock),
        "incident": IncidentId("i-1"),
        "stand": Stand.OPENED,
        "kind": Kind.WATCHLIST_FACE,
        "severity": Severity.MAJOR,
        "status": Status.ACTUAL,
        "device": "north",
        "where": "north-gate",
        "alert": AlertId(name),
        "rule": "watchlist.face",
        "details": details,
    }
    return life.hear(IncidentChanged(**{**values, **fields}))


def order(
    life: Life,
    verdict: str,
    *persons: str,
    name: str = "a-1",
    cmd: str = "c-1",
    drill: bool = False,
) -> Ordered:
    """What *persons* at the station decided of a lead."""
    said = [{"by": p, "reason": f"{p} looked", "at": "2026-11-21T08:00:00Z"} for p in persons]
    args = {"alert_id": name, "verdict": verdict, "decisions": said}
    at = stamp(life.clock)
    return Ordered(at, CommandName.LEAD_VERDICT, cmd, "cancheng", args, exercise=drill)


def decide(life: Life, verdict: str, *persons: str, **fields: Any) -> list[Decision]:
    """As the command gate does: asked first, then done."""
    told = order(life, verdict, *persons, **fields)
    way(life).permit(told)
    return life.hear(told)


def shown(life: Life) -> list[tuple[str, tuple[Answer, ...]]]:
    """What waits for the guard, and the answers to it."""
    return [(item.text.en, item.answers) for item in life.ways.items]
