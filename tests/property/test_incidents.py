"""Whatever the rules raise and resolve, an incident is one incident."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.core.clock import NS_PER_S, ManualClock, stamp
from agent.core.decisions import Raise, Resolve
from agent.core.ids import AlertId
from agent.core.text import Text
from agent.incidents.book import IDLE_NS, IncidentBook, Message
from contract.words import Kind, MsgType, Severity, Stage, Urgency
from tests.support.samples import Numbers

KEYS = st.sampled_from(["panic:p", "tamper:t", "door.held:d"])
LASTING = {"tamper:t"}
TEXT = Text("x", "x")


class BookMachine(RuleBasedStateMachine):
    """A book beside a list of everything it ever said."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.book = IncidentBook(Numbers().new)
        self.said: list[tuple[str, Message]] = []
        self.held: dict[str, int] = {}
        self.seen_ns: dict[str, int] = {}

    @rule(
        key=KEYS,
        severity=st.sampled_from(Severity),
        cooldown_s=st.sampled_from([0.0, 30.0, 300.0]),
    )
    def cause(self, key: str, severity: Severity, cooldown_s: float) -> None:
        """A rule raises; what tampers lasts."""
        at = stamp(self.clock)
        raised = Raise(
            at=at,
            rule="r",
            kind=Kind.TAMPER,
            key=key,
            severity=severity,
            urgency=Urgency.IMMEDIATE,
            text=TEXT,
            device="d",
            where="w",
            cooldown_s=cooldown_s,
            lasting=key in LASTING,
        )
        before = self.of_open(key)
        told = self.book.raised(raised)
        self.seen_ns[key] = at.monotonic_ns
        if told is None:
            assert before
            assert before[-1].severity.rank >= severity.rank
            assert at.monotonic_ns - before[-1].cause.at.monotonic_ns < cooldown_s * NS_PER_S
            self.held[key] += 1
            return
        assert told.severity.rank >= severity.rank
        if before:
            assert told.msgtype is MsgType.UPDATE
            assert told.incident == before[0].incident
            assert told.details.get("held_back", 0) == self.held[key]
        else:
            assert told.msgtype is MsgType.ALERT
            assert told.incident not in {message.incident for _, message in self.said}
        self.held[key] = 0
        self.say(key, told)

    @rule(key=KEYS)
    def end(self, key: str) -> None:
        """A rule resolves."""
        before = self.of_open(key, idle_too=True)
        told = self.book.resolved(Resolve(stamp(self.clock), key, TEXT))
        if told is None:
            assert not before
            return
        assert told.msgtype is MsgType.CANCEL
        assert {message.incident for message in before} == {told.incident}
        assert told.details["opened_at"] == before[0].cause.at.utc
        assert told.details.get("held_back", 0) == self.held[key]
        self.say(key, told)
        self.seen_ns.pop(key)

    @rule(key=KEYS)
    def close(self, key: str) -> None:
        """A rule, or a person, ends it without a word."""
        self.book.close(key)
        self.seen_ns.pop(key, None)

    @rule(number=st.integers(0, 1000), stage=st.sampled_from(Stage))
    def ack(self, number: int, stage: Stage) -> None:
        """The station says how far it is with any alert that it ever had."""
        if not self.said:
            return
        key, message = self.said[number % len(self.said)]
        current = self.book.open_incidents.get(key) == message.incident
        self.book.acked(AlertId(f"alert-{number % len(self.said)}"), stage)
        if current and stage is Stage.CLOSED and message.msgtype is not MsgType.CANCEL:
            assert key not in self.book.open_incidents
            self.seen_ns.pop(key)

    @rule(seconds=st.sampled_from([0.5, 30, 299, 3599, 3601]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        """What nobody speaks of is forgotten, unless it lasts."""
        before = set(self.book.open_incidents)
        self.book.time_passed(stamp(self.clock))
        gone = before - set(self.book.open_incidents)
        assert not gone & LASTING
        assert all(self.is_idle(key) for key in gone)

    @invariant()
    def every_open_incident_was_opened_and_not_ended(self) -> None:
        """Ids of open incidents are of an Alert, and no Cancel of theirs was said."""
        cancelled = {m.incident for _, m in self.said if m.msgtype is MsgType.CANCEL}
        opened = {m.incident for _, m in self.said if m.msgtype is MsgType.ALERT}
        standing = set(self.book.open_incidents.values())
        assert standing <= opened - cancelled
        assert self.book.open_count == len(standing)

    def is_idle(self, key: str) -> bool:
        """True when nobody has spoken of it for an hour."""
        return self.clock.monotonic_ns() - self.seen_ns.get(key, 0) > IDLE_NS

    def of_open(self, key: str, *, idle_too: bool = False) -> list[Message]:
        """What was said of the incident that stands under *key*."""
        incident = self.book.open_incidents.get(key)
        over = self.is_idle(key) and key not in LASTING and not idle_too
        if incident is None or over:
            return []
        return [message for _, message in self.said if message.incident == incident]

    def say(self, key: str, message: Message) -> None:
        """Remember what went to the station."""
        self.book.sent_as(message, AlertId(f"alert-{len(self.said)}"))
        self.said.append((key, message))


TestIncidents = BookMachine.TestCase
TestIncidents.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
