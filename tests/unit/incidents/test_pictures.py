"""Pictures of leads at the core: held for their alert, sent once it is acked, gone in a minute."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from agent.config.schema.evidence import NO_BASIS, Evidence
from agent.core.answers import Ordered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import AckReceived, IncidentChanged, LinkChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.incidents.pictures import MOST_HELD, Pictures
from contract.words import CommandName, Kind, Severity, Stage, Status, Urgency
from tests.support.samples import ADDRESS
from tests.support.ways import Life

BASIS = Evidence(basis="Test Act, section 12", owner="desk", expires_at="2099-01-01")
JPEG = b"\xff\xd8\xff\xe0 a picture of a lead"
NAME = hashlib.sha256(JPEG).hexdigest()
KEPT_S, SETTLED_S, OFFERED_S = 60, 15, 2


class Line:
    """A link that carries, or not."""

    def __init__(self) -> None:
        self.up = True
        self.said: list[tuple[str, bytes]] = []

    def __call__(self, topic: str, body: bytes, *, retain: bool) -> bool:
        assert not retain
        if self.up:
            self.said.append((topic, body))
        return self.up


class Gate:
    """One way over its lives, and the link that it speaks on."""

    def __init__(self, clock: ManualClock, basis: Evidence | None = BASIS) -> None:
        self.clock, self.line, self.basis = clock, Line(), basis
        self.life = Life([self.fresh()], clock)

    def fresh(self) -> Pictures:
        """The way, of a new life."""
        self.way = Pictures(self.basis, ADDRESS, self.line, self.clock)
        return self.way

    def lead(self, alert: str = "a-1", name: str = NAME, **fields: Any) -> tuple[Any, ...]:
        """A lead's alert is made, and said."""
        status = fields.pop("status", Status.ACTUAL)
        named = self.way.claim(self.cause(name, status), alert)
        self.raised(alert, status=status, **fields)
        return named

    def cause(self, name: str, status: Status = Status.ACTUAL) -> Raise:
        """What the rule raised."""
        kind, words = Kind.WATCHLIST_FACE, Text("somebody", "某人")
        head = (stamp(self.clock), "watchlist.face", kind, "k", Severity.MAJOR, Urgency.EXPECTED)
        return Raise(*head, words, "north", "north-gate", status=status, picture=name)

    def raised(
        self, alert: str, *, status: Status = Status.ACTUAL, withheld: str = ""
    ) -> list[Decision]:
        """The alert is told to the ways."""
        details = {"confirm": "required"} | ({"picture_withheld": withheld} if withheld else {})
        head = (stamp(self.clock), IncidentId("i"), Stand.OPENED, Kind.WATCHLIST_FACE)
        told = IncidentChanged(
            *head, Severity.MAJOR, status, "north", "north-gate", AlertId(alert), details=details
        )
        return self.life.hear(told)

    def ack(self, stage: Stage = Stage.RECEIVED, alert: str = "a-1") -> list[tuple[str, Any]]:
        """The station's word."""
        event = AckReceived(stamp(self.clock), AlertId(alert), stage.value, "desk")
        return notes(self.life.hear(event))

    def link(self, *, up: bool) -> list[tuple[str, Any]]:
        """The link comes or goes."""
        self.line.up = up
        return notes(self.life.hear(LinkChanged(stamp(self.clock), up, "")))

    def wait(self, seconds: float) -> list[tuple[str, Any]]:
        """Let time pass."""
        self.clock.advance(seconds)
        return notes(self.way.on_time(stamp(self.clock)))

    @property
    def empty(self) -> bool:
        """Nothing of any picture is left."""
        return not self.way._jpegs and not self.way._offered_ns and not self.way.cases


def notes(decisions: list[Decision]) -> list[tuple[str, Any]]:
    return [(d.kind, d.details.get("why", "")) for d in decisions if isinstance(d, Note)]


@pytest.fixture
def gate(clock: ManualClock) -> Gate:
    return Gate(clock)


def test_it_goes_once_the_station_has_the_alert_and_is_gone_soon_after(gate: Gate) -> None:
    assert gate.way.offer(NAME, JPEG) == ""
    (named,) = gate.lead()
    assert (named.n, named.sha256, named.bytes, named.camera) == (1, NAME, len(JPEG), "north")
    assert gate.line.said == [], "the alert goes first"
    assert gate.ack() == [("evidence.sent", "")]
    assert gate.line.said == [(f"{ADDRESS.base}/evidence/a-1/1", JPEG)]
    assert gate.ack(Stage.SEEN) == []
    assert gate.wait(SETTLED_S) == []
    assert gate.empty
    assert len(gate.line.said) == 1


def test_a_drills_picture_goes_on_the_drills_branch(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead(status=Status.EXERCISE)
    gate.ack()
    assert gate.line.said[0][0] == f"{ADDRESS.base}/drill/evidence/a-1/1"


def test_what_no_alert_names_is_gone_in_two_seconds(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    assert gate.wait(OFFERED_S) == []
    assert gate.empty
    assert gate.lead() == (), "too late"


@pytest.mark.parametrize("acked", [False, True])
def test_a_rejected_lead_takes_its_picture_with_it_at_once(gate: Gate, acked: bool) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    if acked:
        gate.ack()
    said = [{"by": "desk-1", "reason": "the ears differ", "at": "2026-11-21T08:00:00Z"}]
    args = {"alert_id": "a-1", "verdict": "reject", "decisions": said}
    order = Ordered(stamp(gate.clock), CommandName.LEAD_VERDICT, "c", "s", args, exercise=False)
    assert notes(gate.life.hear(order)) == [("evidence.destroyed", "the lead is rejected")]
    assert gate.empty
    assert gate.ack(Stage.SEEN) == []


def test_a_confirmed_lead_keeps_it(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    said = [{"by": "desk-1", "reason": "the scar", "at": "2026-11-21T08:00:00Z"}]
    args = {"alert_id": "a-1", "verdict": "confirm", "decisions": said}
    order = Ordered(stamp(gate.clock), CommandName.LEAD_VERDICT, "c", "s", args, exercise=False)
    assert gate.life.hear(order) == []
    assert gate.ack() == [("evidence.sent", "")]


def test_a_closed_alert_needs_no_picture(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    assert gate.ack(Stage.CLOSED) == [("evidence.destroyed", "the alert is closed")]
    assert (gate.empty, gate.line.said) == (True, [])


def test_offline_it_is_gone_after_a_minute_whatever_the_station_says(gate: Gate) -> None:
    gate.link(up=False)
    gate.way.offer(NAME, JPEG)
    gate.lead()
    assert gate.wait(KEPT_S - 1) == []
    ((kind, why),) = gate.wait(1)
    assert (kind, gate.empty) == ("evidence.destroyed", True)
    assert "within a minute" in why
    assert gate.link(up=True) == []
    assert gate.ack() == []


def test_a_broken_link_sends_it_again_and_only_again(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    gate.ack()
    gate.link(up=False)
    gate.clock.advance(10)
    assert gate.link(up=True) == [("evidence.sent", "")]
    assert len(gate.line.said) == 2
    gate.wait(SETTLED_S)
    assert gate.empty


def test_a_restart_takes_it_and_says_so(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    told = gate.life.begin([gate.fresh()])
    assert notes(told) == [("evidence.destroyed", "restarted")]
    assert gate.empty


def test_a_wipe_takes_it(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    gate.life.ways.wipe(stamp(gate.clock))
    assert gate.empty


def test_what_is_kept_on_the_disk_is_no_picture(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    kept = b"".join(body for _, body in gate.life.keeper.cases["pictures"].values())
    assert NAME.encode() in kept
    assert b"a picture of a lead" not in kept


def test_why_there_is_none_is_told(gate: Gate) -> None:
    told = gate.raised("a-2", withheld="another face is still found")
    assert notes(told) == [("evidence.withheld", "another face is still found")]


@pytest.mark.parametrize(
    ("name", "jpeg"),
    [("0" * 64, JPEG), (NAME, b"GIF89a"), (NAME, b""), (NAME, JPEG + b"0" * 300_000)],
    ids=["other", "no-jpeg", "empty", "too-large"],
)
def test_visions_word_alone_lets_nothing_out(gate: Gate, name: str, jpeg: bytes) -> None:
    assert "not the picture" in gate.way.offer(name, jpeg)
    assert gate.empty


def test_only_so_many_are_held(gate: Gate) -> None:
    for number in range(MOST_HELD):
        jpeg = JPEG + bytes([number])
        assert gate.way.offer(hashlib.sha256(jpeg).hexdigest(), jpeg) == ""
    assert "wait already" in gate.way.offer(NAME, JPEG)


def test_without_a_basis_or_past_its_end_nothing_is_held(clock: ManualClock) -> None:
    assert Gate(clock, None).way.offer(NAME, JPEG) == NO_BASIS
    ended = BASIS.model_copy(update={"expires_at": "2026-01-02"})
    assert "ended at 2026-01-02" in Gate(clock, ended).way.offer(NAME, JPEG)


def test_a_basis_that_ends_meanwhile_keeps_it_here(gate: Gate) -> None:
    gate.way.offer(NAME, JPEG)
    gate.lead()
    gate.way.basis = BASIS.model_copy(update={"expires_at": "2026-01-02"})
    ((kind, why),) = gate.ack()
    assert (kind, gate.empty, gate.line.said) == ("evidence.destroyed", True, [])
    assert "ended" in why
