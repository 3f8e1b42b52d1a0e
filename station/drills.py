"""Drills from the station: begun at several gates, stopped, their reports waited for.

Here: what is sent to whom. Not here: signing and queueing (``station.commands``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.clock import format_utc
from agent.core.errors import UnreachableError
from contract.words import CommandName, Outcome
from station import commands, documents, keys
from station.reports import Report, wait_for

ANSWER_S = 15.0
LATE_S = 60.0
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed. ``drill_id`` empty: one is made from the time."""

    scenario: str
    for_s: float
    seed: int
    drill_id: str = ""
    device: str | None = None
    by: str = ""

    @property
    def args(self) -> dict[str, Any]:
        """Of ``drill.start``."""
        args: dict[str, Any] = {
            "drill_id": self.drill_id or _fresh_id(),
            "scenario": self.scenario,
            "for_s": self.for_s,
            "seed": self.seed,
        }
        more = {"device": self.device, "by": self.by}
        return args | {name: value for name, value in more.items() if value}


def start(folder: Path, gates: Sequence[str], wish: Wish) -> tuple[str, list[Row]]:
    """The drill's id, and what each gate answered."""
    args = wish.args
    return str(args["drill_id"]), _send(folder, gates, CommandName.DRILL_START, args)


def stop(folder: Path, gates: Sequence[str], drill_id: str, by: str) -> list[Row]:
    """What each gate answered."""
    args = {"drill_id": drill_id, "by": by} if by else {"drill_id": drill_id}
    return _send(folder, gates, CommandName.DRILL_STOP, args)


def reports(folder: Path, rows: Sequence[Row], drill_id: str, for_s: float) -> list[Report]:
    """The reports of the gates that take part; UnreachableError names those that told none."""
    station = keys.open_station(folder).id
    until = time.monotonic() + for_s + LATE_S
    found, silent = [], []
    for row in rows:
        if row["outcome"] != Outcome.DONE:
            continue
        address = documents.address_of(row["gate"], station)
        topic = address.topic("report", "drill", drill_id, drill=True)
        report = wait_for(folder, topic, until - time.monotonic())
        if report is None:
            silent.append(row["gate"])
        else:
            found.append(report | {"gate": row["gate"]})
    if silent:
        raise UnreachableError(
            f"no report of drill {drill_id} from {', '.join(silent)} in time; "
            "'gatehouse station report' shows it when it comes"
        )
    return found


def _send(
    folder: Path, gates: Sequence[str], name: CommandName, args: Mapping[str, Any]
) -> list[Row]:
    return commands.send_each(folder, gates, name, args, exercise=True, wait_s=ANSWER_S)


def _fresh_id() -> str:
    """Ids of drills tell when they began."""
    at = format_utc(time.time_ns())
    return "drill-" + "".join(c for c in at if c.isdigit())[:17]
