"""What a changed file would have decided otherwise, and what a rule's reasons read like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.config.schema.root import Config
from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError
from agent.core.events import AckReceived, DoorReleased, Event, FaceLead, HostChanged, InputState
from agent.core.health import HealthBoard
from agent.core.ids import AlertId, CameraName, EntryId, IdSource
from agent.core.ports import Counters
from agent.incidents.book import IncidentBook
from agent.incidents.record import Recorder
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.dispatch import Dispatcher
from contract.words import ListName
from provisioning.explain import explained, find, line
from provisioning.replay import differences, outcomes_of
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.samples import ADDRESS, Numbers, at, changed, gate
from tests.support.ways import MemoryKeeper

RULES = "rules:\n  - {type: panic, outputs: [siren-1]}\n"
OWN = """rules:
  - type: custom
    name: own
    alert: assist
    text: {en: Come, zh: 请来}
    cooldown_s: 30
    when:
      count: device == 'assist-1' and state == 'pressed'
      at_least: 2
      within_s: 60
  - type: custom
    name: held
    alert: door.held
    text: {en: Held, zh: 未关}
    when: {lasts: device == 'door-1' and state == 'open', for_s: 20}
"""


def config(*replaced: tuple[str, str]) -> Config:
    text = OWN
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return gate((RULES, text))


class Gate:
    """A gate's rules, incidents and record, without the rest."""

    def __init__(self, clock: ManualClock, config: Config) -> None:
        self.clock = clock
        self.entries: list[dict[str, Any]] = []
        self.config = config
        self.profile: str | None = None
        self.lives = 0
        self.keeper = MemoryKeeper(clock)
        self.begin()

    def begin(self) -> None:
        """A life of the program."""
        self.lives += 1
        newest = self.entries[-1]["n"] if self.entries else 0
        salt, write = b"salt", lambda raw: self.entries.append(json.loads(raw))
        recorder = Recorder(self.clock, write, newest, salt)
        book = IncidentBook(Numbers().new)
        words = Words(ADDRESS, lambda *_, **__: False, self.clock.monotonic_ns)
        ways = Ways([], self.keeper, beside=(book, words), on_failure=lambda *_: None)
        profile = recorder.profile_asked(lambda: self.profile)
        rules = build_rules(self.config, recorder.asked(lambda *_: ListName.WANTED), profile)
        self.dispatcher = Dispatcher(
            rules=Engine(rules, on_failure=lambda *_: None, on_decided=recorder.rule_decided),
            book=book,
            ways=ways,
            words=words,
            outputs=self,
            outbox=self,
            health=HealthBoard(),
            clock=self.clock,
            ids=IdSource(self.clock, lambda _: self.lives),
            address=ADDRESS,
            counters=Counters(1, 0, 0),
            on_probe=lambda _: None,
            record=recorder,
        )
        self.dispatcher.resume()

    def drive(self, *_: object) -> None:
        """The outputs."""

    def offer(self, *_: object, critical: bool) -> None:
        """The outbox."""

    def hear(self, event: Event) -> None:
        self.dispatcher.dispatch(event)

    def press(self, device: str = "assist-1", state: InputState = InputState.PRESSED) -> None:
        self.hear(changed(self.clock, device, state))

    def wait(self, seconds: float) -> None:
        """Time passes as in the agent: asked four times a second."""
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            due_ns = self.dispatcher.due_ns
            if due_ns is not None and due_ns <= self.clock.monotonic_ns():
                self.dispatcher.time_passed()

    def sent(self, rule: str) -> list[dict[str, Any]]:
        rows = [row for entry in self.entries for row in entry.get("sent", ())]
        return [row for row in rows if row.get("rule") == rule]

    def lead(self) -> None:
        north, entry = CameraName("north"), EntryId("w-1")
        figures = {"score": 0.7, "threshold": 0.5, "margin": None, "frames": 3, "quality": 0.9}
        more: dict[str, Any] = {"exercise": False, "model_id": "dlib", **figures}
        self.hear(FaceLead(at(self.clock), north, 1, entry, **more))


@pytest.fixture
def day(clock: ManualClock) -> Gate:
    """Presses, a panic, a door left open, a lead, an ack that closes, and a restart."""
    made = Gate(clock, config())
    for _ in range(4):
        made.press()
        made.press(state=InputState.RELEASED)
        made.wait(5)
    made.press("panic-1")
    made.press("door-1", InputState.OPEN)
    made.wait(70)
    made.press("door-1", InputState.CLOSED)
    made.lead()
    closed = AlertId(made.sent("own")[0]["alert"])
    made.hear(AckReceived(at(clock), closed, "closed", "somebody"))
    made.wait(1)
    made.press()
    made.begin()
    made.press()
    made.press()
    made.wait(3700)
    return made


def test_the_same_file_decides_the_same(day: Gate) -> None:
    assert differences(day.entries, day.config) == []
    assert len(outcomes_of(day.entries)) > 10


def test_a_changed_file_shows_what_is_added_missing_and_changed(day: Gate) -> None:
    def told(*replaced: tuple[str, str]) -> list[tuple[str, str]]:
        return [(d.word, d.about) for d in differences(day.entries, config(*replaced))]

    assert told(("at_least: 2", "at_least: 9")) == [("missing", "own alert own:actual")] * 3
    louder = told(("cooldown_s: 30", "cooldown_s: 30\n    severity: critical"))
    assert set(louder) == {("changed", "own alert own:actual")}
    later = differences(day.entries, config(("for_s: 20", "for_s: 50")))
    (moved,) = later
    assert (moved.word, moved.about) == ("changed", "held alert held:actual")
    added = told(("rules:\n", "rules:\n  - {type: panic, outputs: [siren-1]}\n"))
    assert added == [("added", "panic actuate siren-1")]


def test_a_profile_holds_in_the_replay_as_it_held_then(clock: ManualClock) -> None:
    limits = "doors: {side: {held_warn_s: 2, held_alarm_s: 4}}, rules: {held: {for_s: 8}}"
    profiles = f"answering: {{profiles: {{school: {{name: 入校, rank: 1, {limits}}}}}}}\n"
    made = Gate(clock, config(("rules:\n", f"{profiles}rules:\n")))
    made.press("door-1", InputState.OPEN)
    made.wait(6)
    made.profile = "school"
    made.press()
    made.wait(6)
    made.press("door-1", InputState.CLOSED)
    assert len(made.sent("door.held")) == 2
    assert len(made.sent("held")) == 1
    assert differences(made.entries, made.config) == []
    (gone, *_) = differences(made.entries, config())
    assert gone.word == "missing"


def test_the_record_names_nobody(day: Gate) -> None:
    day.hear(DoorReleased(at(day.clock), "side", "card", 5.0, {"badge": "4711"}))
    kept = json.dumps(day.entries)
    assert "somebody" not in kept
    assert "4711" not in kept
    assert "w-1" not in kept
    assert "watchlist.face:entry-" in kept
    assert max(len(json.dumps(entry)) for entry in day.entries) < 2_000


def test_it_is_explained_why_a_rule_did_what_it_did_and_why_not_yet(day: Gate) -> None:
    first, second = [e for e in day.entries if e.get("is", {}).get("state") == "pressed"][:2]
    not_yet = explained(find(day.entries, str(first["n"])), "en")
    assert any("1 of 2 within 60 s" in text for text in not_yet)
    assert any("did not happen" in text for text in not_yet)
    alert = day.sent("own")[0]["alert"]
    assert find(day.entries, alert) == second
    assert any("its condition happened" in text for text in explained(second, "en"))
    assert any("条件成立" in text for text in explained(second, "zh"))
    held = next(e for e in day.entries if any(r.get("held_back") for r in e.get("sent", ())))
    assert any("held back by the cooldown" in text for text in explained(held, "en"))
    for entry in day.entries:
        assert line(entry)
        assert explained(entry, "en")
        assert explained(entry, "zh")


def test_ids_that_nothing_or_several_have_are_refused(day: Gate) -> None:
    with pytest.raises(CheckFailedError, match="holds no event"):
        find(day.entries, "ffff")
    with pytest.raises(CheckFailedError, match="give more of the id"):
        find(day.entries, day.sent("own")[0]["alert"][:7])


def test_what_the_station_says_every_half_minute_is_recorded_once(clock: ManualClock) -> None:
    made = Gate(clock, config())
    for online in (True, True, True, False, True):
        made.hear(HostChanged(at(clock), online))
    told = [entry["is"]["online"] for entry in made.entries if entry["event"] == "station"]
    assert told == [True, False, True]
