"""Who else is told when nobody takes an alert up: hooks without any ack, levels without a person's.

Each rises on the monotonic clock, over restarts, and not for a drill where that would page anybody.
"""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.escalation import NEXT_BROKER, EscalationConfig
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Page, Raise
from agent.core.events import AckReceived, HookEnded, Stand
from agent.core.ids import AlertId
from agent.incidents.book import IncidentBook
from agent.incidents.escalation import MOST_TRIES, Escalation
from contract.words import Kind, MsgType, Severity, Status
from tests.support.calls import incident, notes, only
from tests.support.panic import raised
from tests.support.samples import ADDRESS, Numbers, at
from tests.support.ways import Life

CHAIN: list[dict[str, Any]] = [
    {"level": "station", "name": {"en": "Station", "zh": "派出所"}, "after_s": 0.0},
    {"level": "county", "name": {"en": "County", "zh": "县局"}, "after_s": 60.0},
    {"level": "city", "name": {"en": "City", "zh": "市局"}, "after_s": 120.0},
]
HOOK = {"type": "command", "argv": ["/usr/bin/true"], "name": "sms"}


def config(**fields: Any) -> EscalationConfig:
    return EscalationConfig.model_validate(fields)


class Bench:
    """A book with one panic in it, and the escalation beside it."""

    def __init__(self, clock: ManualClock, **fields: Any) -> None:
        self.clock = clock
        self.config = config(**fields)
        self.several = False
        self.book = IncidentBook(Numbers().new, self._carried)
        self.way = self._way()
        self.life = Life([self.way], clock)

    def again(self) -> None:
        """The agent is started again."""
        self.way = self._way()
        self.life.begin([self.way])

    def open(self, kind: Kind = Kind.PANIC, **fields: Any) -> Any:
        """The incident opens; the details of its alert."""
        message = self.book.raised(raised(self.clock, kind=kind))
        assert message is not None
        fields = {"severity": Severity.CRITICAL, **fields}
        self.life.hear(incident(self.clock, kind, **fields))
        return message.details

    def ack(self, stage: str, alert: str = "a-1") -> None:
        """The station's word."""
        self.life.hear(AckReceived(at(self.clock), AlertId(alert), stage, "desk 3"))

    def ended(self, *, ok: bool, hook: str = "sms") -> list[Decision]:
        """A hook ended."""
        detail = "" if ok else "answers 500"
        return self.life.hear(HookEnded(at(self.clock), "i-1", hook, ok, detail))

    def _way(self) -> Escalation:
        return Escalation(
            self.config, ADDRESS.base, lambda _: self.book.standing("id-1"), self.several
        )

    def _carried(self, kind: Kind, known: str | None) -> Any:
        return self.way.carried(kind, None if known is None else "i-1")


def pages(decisions: list[Decision]) -> list[str]:
    """Which hooks are run."""
    return [page.hook for page in only(Page, decisions)]


def levels(decisions: list[Decision]) -> list[object]:
    """To which levels it rises."""
    return [cause.details["level"] for cause in only(Raise, decisions)]


def test_no_ack_in_time_runs_the_hooks_once(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK, {"type": "command", "argv": ["/bin/sh"]}])
    bench.open()
    clock.step(-86_400)
    assert bench.life.wait(29.9) == []
    decisions = bench.life.wait(0.1)
    assert pages(decisions) == ["sms", "hook-2"]
    assert dict(only(Page, decisions)[0].body) == {
        "source": ADDRESS.base,
        "incident": "i-1",
        "alert": "a-1",
        "kind": "panic",
        "severity": "critical",
        "status": "Actual",
        "text": {"en": "Help wanted", "zh": "请求支援"},
        "where": "north-gate",
        "at": "2026-11-21T08:00:00.000Z",
        "unanswered_s": 30,
    }
    ((kind, told),) = notes(bench.ended(ok=True))
    assert (kind, told["hook"], told["ok"], told["tries"]) == ("escalation.hook", "sms", True, 1)
    bench.ended(ok=True, hook="hook-2")
    assert bench.life.wait(9000) == []


@pytest.mark.parametrize("stage", ["received", "seen", "handling"])
def test_any_ack_in_time_runs_none(clock: ManualClock, stage: str) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    bench.ack(stage)
    assert bench.life.wait(9000) == []


def test_an_ack_of_another_alert_is_none(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    bench.ack("closed", "a-9")
    assert pages(bench.life.wait(30)) == ["sms"]


def test_a_hook_that_fails_is_tried_again_later_and_later_until_there_is_an_ack(
    clock: ManualClock,
) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    tries = []
    for wait_s in (30, 10, 20, 40, 80):
        assert bench.life.wait(wait_s - 0.1) == []
        tries += pages(bench.life.wait(0.1))
        bench.ended(ok=False)
    assert tries == ["sms"] * MOST_TRIES
    assert bench.life.wait(9000) == []


def test_an_ack_ends_the_tries(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    bench.life.wait(30)
    bench.ended(ok=False)
    bench.ack("received")
    assert bench.life.wait(9000) == []


def test_a_running_hook_is_not_run_again_but_after_a_restart_it_is(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    bench.life.wait(30)
    assert bench.life.wait(300) == []
    bench.again()
    assert pages(bench.life.wait(0)) == ["sms"]
    bench.ended(ok=True)
    bench.again()
    assert bench.life.wait(9000) == []


def test_with_several_brokers_the_link_goes_on_to_the_next_and_the_next(
    clock: ManualClock,
) -> None:
    bench = Bench(clock, after_s=20.0)
    bench.several = True
    bench.again()
    bench.open()
    for _ in range(2):
        assert pages(bench.life.wait(19.9)) == []
        assert pages(bench.life.wait(0.1)) == [NEXT_BROKER]
        bench.ended(ok=True, hook=NEXT_BROKER)
    bench.ack("received")
    assert bench.life.wait(9000) == []


def test_the_wait_goes_on_over_a_restart(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK])
    bench.open()
    bench.life.wait(20)
    bench.again()
    assert bench.life.wait(9.9) == []
    assert pages(bench.life.wait(0.1)) == ["sms"]


def test_a_drill_pages_nobody_and_its_level_still_rises(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK], chain=CHAIN)
    bench.open(status=Status.EXERCISE)
    decisions = bench.life.wait(60)
    assert pages(decisions) == []
    assert levels(decisions) == ["county"]


def test_other_kinds_and_incidents_that_were_reset_escalate_nowhere(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK], chain=CHAIN)
    assert bench.open(Kind.TAMPER) == {}
    assert bench.life.wait(9000) == []
    bench = Bench(clock, hooks=[HOOK], chain=CHAIN)
    bench.open()
    bench.life.hear(incident(clock, stand=Stand.ENDED, alert=None))
    assert bench.life.wait(9000) == []


def test_a_hook_may_have_kinds_of_its_own(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK, {**HOOK, "name": "er", "kinds": ["medical"]}], chain=CHAIN)
    assert bench.open(Kind.MEDICAL) == {}
    decisions = bench.life.wait(120)
    assert (pages(decisions), levels(decisions)) == (["er"], [])


def test_a_word_about_an_incident_that_is_over_is_told(clock: ManualClock) -> None:
    bench = Bench(clock, hooks=[HOOK])
    ((kind, told),) = notes(bench.ended(ok=False))
    assert (kind, told["detail"]) == ("escalation.hook", "answers 500")


def test_every_alert_carries_the_chain_and_the_level_rises_without_a_person(
    clock: ManualClock,
) -> None:
    bench = Bench(clock, chain=CHAIN)
    first = bench.open()
    assert first["level"] == "station"
    assert first["escalation"] == CHAIN
    bench.ack("received")
    assert bench.life.wait(59.9) == []
    (update,) = only(Raise, bench.life.wait(0.1))
    message = bench.book.raised(update)
    assert message is not None
    assert (message.msgtype, message.incident) == (MsgType.UPDATE, "id-1")
    assert (message.details["level"], message.details["escalation"]) == ("county", CHAIN)
    assert message.cause.text.en == "Nobody answered for 60 s, now for County: Help wanted"
    assert message.cause.text.zh == "60 秒无人应答，上报县局：请求支援"
    assert message.cause.latched
    bench.life.hear(incident(clock, stand=Stand.UPDATED, alert="a-2"))
    clock.advance(90)
    again = bench.book.raised(raised(clock))
    assert again is not None
    assert again.details["level"] == "county"
    bench.ack("seen", "a-2")
    assert bench.life.wait(9000) == []


def test_the_chain_goes_on_over_a_restart_to_its_end(clock: ManualClock) -> None:
    bench = Bench(clock, chain=CHAIN)
    bench.open()
    assert levels(bench.life.wait(60)) == ["county"]
    bench.again()
    assert levels(bench.life.wait(60)) == ["city"]
    assert bench.life.wait(9000) == []
    bench.config = config(chain=CHAIN[:2])
    bench.again()
    assert bench.way.carried(Kind.PANIC, "i-1")["level"] == "county"


def test_a_chain_may_wait_for_more_than_a_look(clock: ManualClock) -> None:
    bench = Bench(clock, chain=CHAIN, chain_stage="handling")
    bench.open()
    bench.ack("seen")
    assert levels(bench.life.wait(60)) == ["county"]
    bench.ack("handling")
    assert bench.life.wait(9000) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"chain": CHAIN[1:]}, "begins with who is told at once"),
        ({"chain": [CHAIN[0], CHAIN[2], CHAIN[1]]}, "must grow"),
        ({"hooks": [HOOK, HOOK]}, "two hooks have one name"),
        ({"hooks": [{**HOOK, "name": NEXT_BROKER}]}, "what a gate with two brokers does"),
        ({"kinds": ["watchlist.face"]}, "a lead waits for a person"),
        ({"hooks": [{"type": "command", "argv": ["sms"]}]}, "absolute path"),
        ({"hooks": [{"type": "webhook", "url": "http://sms.example/"}]}, "needs https"),
        ({"hooks": [{"type": "webhook", "url": "https://u:p@sms.example/"}]}, "headers_file"),
        ({"hooks": [{"type": "webhook", "url": "file:///etc/passwd"}]}, "is no address"),
    ],
)
def test_what_cannot_be_meant_is_said(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        config(**fields)
