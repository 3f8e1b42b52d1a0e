"""What stands in the record of events: no person, and no entry of the watchlist by its own name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.core.answers import Ordered, TaskGiven
from agent.core.clock import ManualClock
from agent.core.decisions import Close
from agent.core.events import EntryGone, Event, FaceLead, FaceReview
from agent.core.ids import CameraName, EntryId
from agent.incidents.record import Recorder
from contract.words import CommandName
from rules.engine import Decided
from tests.support.samples import at

ENTRY = EntryId("w-1")
KEY = f"track:actual:{ENTRY}"


def recorded(clock: ManualClock, event: Event) -> dict[str, Any]:
    """The entry about *event*, from which a way closed an incident."""
    lines: list[bytes] = []
    recorder = Recorder(clock, lines.append, salt=b"salt")
    recorder.way_decided(Decided("sought", (Close(KEY),)))
    recorder.done(event)
    entry: dict[str, Any] = json.loads(lines[0])
    return entry


def lead(clock: ManualClock) -> FaceLead:
    head = (at(clock), CameraName("north"), 7, ENTRY, False)
    return FaceLead(*head, 0.7, 0.65, 0.1, 3, 0.8, "dlib")


def test_what_only_ways_hear_is_recorded_by_its_kind_alone(clock: ManualClock) -> None:
    task = TaskGiven(
        at(clock), "t-1", "cancheng", "Look for Mr Li", "找李先生", "", None, "sha256:1"
    )
    entry = recorded(clock, task)
    assert (entry["event"], entry["is"]) == ("other", {"kind": "TaskGiven"})


@pytest.mark.parametrize("said", ["lead", "review", "gone", "order"])
def test_an_entry_goes_by_one_alias_whoever_speaks_of_it(clock: ManualClock, said: str) -> None:
    events: dict[str, Event] = {
        "lead": lead(clock),
        "review": FaceReview(at(clock), lead(clock), held=False),
        "gone": EntryGone(at(clock), ENTRY, exercise=False, why="expired"),
        "order": Ordered(at(clock), CommandName.TRACK_STOP, "c-1", "x", {"entry_id": ENTRY}),
    }
    entry = recorded(clock, events[said])
    ((word, key),) = entry["did"][0]["do"]
    assert word == "close"
    assert key == recorded(clock, events["lead"])["did"][0]["do"][0][1] != KEY
    assert ENTRY not in json.dumps(entry)
