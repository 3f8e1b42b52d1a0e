"""From an event to everything that follows from it, in the order in which it has to happen."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from agent.config.schema.root import Config
from agent.core.clock import ManualClock
from agent.core.decisions import Drive
from agent.core.errors import DeviceError
from agent.core.events import (
    AckReceived,
    ComponentState,
    Event,
    FaceLead,
    InputState,
    LatchReset,
    LinkChanged,
    Probe,
    StorageChanged,
)
from agent.core.health import HealthBoard
from agent.core.ids import AlertId, CameraName, EntryId, IdSource
from agent.core.ports import Counters, Entry, Lane
from agent.incidents.book import IncidentBook
from agent.pipeline.dispatch import Dispatcher
from contract.words import ListName
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.samples import ADDRESS, Numbers, at, changed, gate
from tests.support.ways import no_ways

PRESSED = InputState.PRESSED
TOPIC = ADDRESS.topic


class Bench:
    """Real rules, book and ids between events and a diary of deeds."""

    def __init__(self, clock: ManualClock, config: Config | None = None) -> None:
        self.clock = clock
        self.diary: list[tuple[str, ...]] = []
        self.entries: list[tuple[Entry, bool]] = []
        self.probes: list[Probe] = []
        self.broken: set[str] = set()
        self.health = HealthBoard()
        self.book = IncidentBook(Numbers().new)
        self.ways, self.words = no_ways(clock, self.book)
        rules = build_rules(config or gate(), lambda *_: ListName.WANTED)
        self.dispatcher = Dispatcher(
            rules=Engine(rules, panic_devices=["panic-1"], on_failure=lambda *_: None),
            book=self.book,
            ways=self.ways,
            words=self.words,
            outputs=self,
            outbox=self,
            health=self.health,
            clock=clock,
            ids=IdSource(clock, lambda _: 0),
            address=ADDRESS,
            counters=Counters(session=41, alarm_seq=1206, event_seq=88),
            on_probe=self.probes.append,
        )

    def drive(
        self, name: str, drive: Drive, for_s: float | None = None, spent_s: float = 0.0
    ) -> None:
        """The outputs; every deed here leaves the bound to them."""
        assert (for_s, spent_s) == (None, 0.0)
        self.diary.append(("drive", name, drive.value))
        if name in self.broken:
            raise DeviceError(f"output {name} does not obey")

    def offer(self, entry: Entry, *, critical: bool) -> None:
        """The outbox."""
        self.diary.append(("offer", entry.lane.name, "critical" if critical else "later"))
        self.entries.append((entry, critical))

    def happen(self, *events: Event) -> list[dict[str, Any]]:
        """Dispatch events; the bodies that they led to."""
        before = len(self.entries)
        for event in events:
            self.dispatcher.dispatch(event)
        return [json.loads(entry.body) for entry, _ in self.entries[before:]]


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock)


def test_for_a_press_the_siren_comes_before_the_message(bench: Bench) -> None:
    bench.happen(changed(bench.clock, "panic-1", PRESSED))
    assert bench.diary == [("drive", "siren-1", "on"), ("offer", "ALARM", "critical")]


def test_a_message_is_logged_before_it_goes_out(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that is killed in between has sent nothing that its log does not know."""
    known: list[bool] = []
    monkeypatch.setattr(bench, "offer", lambda entry, **_: known.append(entry.id in caplog.text))
    with caplog.at_level(logging.DEBUG):
        bench.happen(
            changed(bench.clock, "panic-1", PRESSED),
            changed(bench.clock, "door-1", InputState.OPEN),
        )
    assert len(known) >= 2
    assert all(known)


def test_a_press_becomes_the_contracts_alert(bench: Bench) -> None:
    (event,) = bench.happen(changed(bench.clock, "panic-1", PRESSED))
    ((entry, _),) = bench.entries
    assert (entry.id, entry.seq, entry.topic) == (event["id"], 1207, TOPIC("alert"))
    assert (event["session"], event["seq"], event["type"]) == (41, 1207, "gatehouse.alert.panic")
    assert (event["source"], event["subject"]) == (ADDRESS.base, "panic-1")
    assert (event["incident"], event["msgtype"], event["ghstatus"]) == ("id-1", "Alert", "Actual")
    assert event["data"]["severity"] == "critical"
    assert event["data"]["text"]["zh"] == "紧急按钮触发：岗亭"
    assert entry.accepted_utc_ns == bench.clock.utc_ns()


def test_a_siren_that_does_not_obey_does_not_stop_the_alert_and_is_noted(bench: Bench) -> None:
    bench.broken.add("siren-1")
    assert len(bench.happen(changed(bench.clock, "panic-1", PRESSED))) == 1
    noted = bench.health.components["output.siren-1"]
    assert (noted.state, noted.reason) == (
        ComponentState.DOWN,
        "output siren-1 does not obey",
    )


def test_alarms_and_facts_are_numbered_apart_without_gaps(bench: Bench) -> None:
    clock = bench.clock
    bodies = bench.happen(
        changed(clock, "exit-1", PRESSED),
        changed(clock, "door-1", InputState.OPEN),
        changed(clock, "panic-1", PRESSED),
        changed(clock, "door-1", InputState.CLOSED),
        changed(clock, "loop-1", InputState.CUT),
    )
    kinds = [(body["type"].removeprefix("gatehouse."), body["seq"]) for body in bodies]
    assert kinds == [
        ("event.door.exit", 89),
        ("event.door.opened", 90),
        ("alert.panic", 1207),
        ("event.door.closed", 91),
        ("alert.tamper", 1208),
    ]
    assert [entry.lane for entry, _ in bench.entries] == [
        Lane.EVENT,
        Lane.EVENT,
        Lane.ALARM,
        Lane.EVENT,
        Lane.ALARM,
    ]
    assert {entry.topic for entry, _ in bench.entries} == {TOPIC("event"), TOPIC("alert")}
    assert [critical for _, critical in bench.entries] == [False, False, True, False, False]


def test_the_exit_button_opens_the_lock_before_it_tells_anybody(bench: Bench) -> None:
    bench.happen(changed(bench.clock, "exit-1", PRESSED))
    assert bench.diary[0] == ("drive", "lock-1", "pulse")


def test_a_repeat_that_is_held_back_uses_up_no_number(bench: Bench) -> None:
    clock = bench.clock
    first = bench.happen(changed(clock, "loop-1", InputState.CUT))
    assert bench.happen(changed(clock, "loop-1", InputState.SHORTED)) == []
    (end,) = bench.happen(changed(clock, "loop-1", InputState.INTACT))
    assert (first[0]["seq"], end["seq"]) == (1207, 1208)
    assert (end["msgtype"], end["incident"]) == ("Cancel", first[0]["incident"])
    assert end["data"]["details"]["held_back"] == 1
    assert end["id"] > first[0]["id"]


def test_a_drill_goes_the_drills_way(bench: Bench) -> None:
    clock = bench.clock
    north, entry_id = CameraName("north"), EntryId("drill-1")
    lead = FaceLead(at(clock), north, 1, entry_id, True, 0.6, 0.5, 0.1, 3, 0.9, "dlib")
    (event,) = bench.happen(lead)
    assert event["ghstatus"] == "Exercise"
    assert bench.entries[0][0].topic == TOPIC("alert", drill=True)


def test_what_waits_is_said_when_its_time_comes(bench: Bench) -> None:
    clock = bench.clock
    bench.happen(changed(clock, "assist-1", PRESSED))
    bench.entries.clear()
    bench.happen(LinkChanged(at(clock), up=False, reason="no route"))
    assert bench.dispatcher.due_ns == clock.monotonic_ns() + 90 * 10**9
    clock.advance(89.9)
    bench.dispatcher.time_passed()
    assert bench.entries == []
    clock.advance(0.1)
    bench.dispatcher.time_passed()
    assert json.loads(bench.entries[0][0].body)["type"] == "gatehouse.alert.link.degraded"


def test_a_reset_closes_silences_and_notes(bench: Bench) -> None:
    clock = bench.clock
    bench.happen(changed(clock, "panic-1", PRESSED))
    (note,) = bench.happen(LatchReset(at(clock), None, "guard Li"))
    assert note["type"] == "gatehouse.event.latch.reset"
    assert bench.book.open_count == 0
    assert bench.diary[-1] == ("drive", "siren-1", "off")


@pytest.mark.parametrize(("stage", "msgtype"), [("received", "Update"), ("closed", "Alert")])
def test_the_stations_closing_ends_an_incident(bench: Bench, stage: str, msgtype: str) -> None:
    clock = bench.clock
    (event,) = bench.happen(changed(clock, "panic-1", PRESSED))
    clock.advance(5)
    bench.happen(AckReceived(at(clock), AlertId(event["id"]), stage, "desk 3"))
    (again,) = bench.happen(changed(clock, "panic-1", PRESSED))
    assert again["msgtype"] == msgtype


def test_a_probe_passes_the_whole_way_and_does_nothing_else(bench: Bench) -> None:
    probe = Probe(at(bench.clock), 7)
    assert bench.happen(probe) == []
    assert bench.probes == [probe]
    assert bench.diary == []


def test_numbers_go_on_from_a_store_that_came_back_and_never_go_down(bench: Bench) -> None:
    clock = bench.clock
    bench.dispatcher.continue_from(Counters(50, alarm_seq=2000, event_seq=10))
    bodies = bench.happen(changed(clock, "panic-1", PRESSED), changed(clock, "exit-1", PRESSED))
    assert [body["seq"] for body in bodies] == [2001, 89]


def test_a_failing_disk_is_itself_an_alarm(bench: Bench) -> None:
    (event,) = bench.happen(StorageChanged(at(bench.clock), ok=False, reason="disk full"))
    assert event["type"] == "gatehouse.alert.storage.degraded"
    assert event["data"]["device"] == "outbox"
    assert event["data"]["text"]["en"] == "Alarms are not stored durably: North gate"


def test_incidents_that_nobody_speaks_of_are_forgotten(bench: Bench) -> None:
    north, entry_id = CameraName("north"), EntryId("w-1")
    bench.happen(
        FaceLead(at(bench.clock), north, 1, entry_id, False, 0.6, 0.5, 0.1, 3, 0.9, "dlib")
    )
    due_ns = bench.dispatcher.due_ns
    assert due_ns is not None
    bench.clock.advance(3600)
    assert due_ns > bench.clock.monotonic_ns()
    bench.clock.advance(0.001)
    assert due_ns <= bench.clock.monotonic_ns()
    bench.dispatcher.time_passed()
    assert bench.book.open_count == 0
    assert bench.dispatcher.due_ns is None


def test_a_fault_that_lasts_for_days_is_still_cancelled_when_it_is_over(bench: Bench) -> None:
    (first,) = bench.happen(changed(bench.clock, "loop-1", InputState.CUT))
    bench.clock.advance(3 * 86_400)
    bench.dispatcher.time_passed()
    (end,) = bench.happen(changed(bench.clock, "loop-1", InputState.INTACT))
    assert (end["msgtype"], end["incident"]) == ("Cancel", first["incident"])
