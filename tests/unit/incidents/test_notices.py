"""Notices of areas: shown, confirmed, replaced, withdrawn, over."""

from __future__ import annotations

from typing import Any

import pytest

from agent.core.answers import (
    Answer,
    BulletinPosted,
    BulletinRefused,
    BulletinWithdrawn,
    GuardAnswered,
)
from agent.core.clock import NS_PER_S, ManualClock
from agent.core.decisions import Decision, Note
from agent.core.events import ClockChanged
from agent.core.text import Text
from agent.incidents.notices import Notices
from contract.words import Status
from tests.support.samples import at
from tests.support.ways import Life

DAY_S = 86_400


class Gate:
    """One gate of the areas east and west."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.life = Life([Notices("gate-1", ["east", "west"])], clock)

    def restart(self, *areas: str) -> list[Decision]:
        return self.life.begin([Notices("gate-1", areas or ("east", "west"))])

    def post(self, bulletin_id: str = "b-1", *, age_s: float = 0, **fields: Any) -> list[Decision]:
        now_ns = self.clock.utc_ns()
        values: dict[str, Any] = {
            "at": at(self.clock),
            "area": "east",
            "bulletin_id": bulletin_id,
            "issuer": "cancheng",
            "text": Text("Parcel thefts", "快递被盗"),
            "issued_ns": now_ns - round(age_s * NS_PER_S),
            "expires_ns": now_ns + DAY_S * NS_PER_S,
            "status": Status.ACTUAL,
        }
        return self.life.hear(BulletinPosted(**{**values, **fields}))

    def confirm(self, about: str | None = "b-1") -> list[Decision]:
        answer = GuardAnswered(at(self.clock), Answer.CONFIRM, "guard 7", "command", about=about)
        return self.life.hear(answer)

    @property
    def shown(self) -> list[str]:
        return [item.id for item in self.life.ways.items]


@pytest.fixture
def gate(clock: ManualClock) -> Gate:
    return Gate(clock)


def kinds(decisions: list[Decision]) -> list[str]:
    return [d.kind for d in decisions if isinstance(d, Note)]


def test_it_is_shown_and_confirmed_once(gate: Gate) -> None:
    (told,) = gate.post()
    assert isinstance(told, Note)
    assert told.kind == "bulletin.shown"
    assert told.details == {"area": "east", "bulletin_id": "b-1", "issuer": "cancheng"}
    (item,) = gate.life.ways.items
    assert item.text == Text("Notice: Parcel thefts", "通告：快递被盗")
    gate.life.wait(5)
    (told,) = gate.confirm()
    assert isinstance(told, Note)
    assert (told.kind, told.details["by"], told.details["after_s"]) == (
        "bulletin.confirmed",
        "guard 7",
        5.0,
    )
    assert gate.shown == []
    assert gate.confirm() == []


@pytest.mark.parametrize("about", [None, "b-9"])
def test_a_confirmation_of_something_else_is_none_of_it(gate: Gate, about: str | None) -> None:
    gate.post()
    assert gate.confirm(about) == []
    assert gate.shown == ["b-1"]


def test_the_broker_says_it_again_at_every_connection(gate: Gate) -> None:
    gate.post()
    first = gate.life.ways.items
    gate.confirm()
    assert gate.post(issued_ns=gate.clock.utc_ns()) == []
    assert (len(first), gate.shown) == (1, [])


def test_a_newer_one_takes_its_place_and_an_older_one_does_not(gate: Gate) -> None:
    gate.post()
    gate.confirm()
    gate.clock.advance(60)
    assert kinds(gate.post("b-2")) == ["bulletin.shown"]
    assert gate.post("b-0", age_s=100) == []
    assert gate.shown == ["b-2"]


def test_each_area_has_its_own(gate: Gate) -> None:
    gate.post()
    gate.post("b-2", area="west")
    assert gate.post("b-3", area="north") == []
    assert gate.shown == ["b-1", "b-2"]
    gate.confirm("b-2")
    assert gate.shown == ["b-1"]


def test_withdrawn_it_vanishes_and_does_not_come_back(gate: Gate) -> None:
    gate.post()
    assert gate.life.hear(BulletinWithdrawn(at(gate.clock), "east")) == []
    assert gate.shown == []
    assert gate.post(issued_ns=gate.clock.utc_ns()) == []
    assert gate.life.hear(BulletinWithdrawn(at(gate.clock), "west")) == []
    assert gate.shown == []


def test_it_vanishes_when_it_expires_whatever_the_wall_clock_does(gate: Gate) -> None:
    gate.post()
    gate.clock.step(2 * DAY_S)
    gate.life.wait(DAY_S - 1)
    assert gate.shown == ["b-1"]
    gate.life.wait(1)
    assert gate.shown == []
    assert gate.life.ways.due_ns is None


def test_expired_before_it_came(gate: Gate) -> None:
    assert gate.post(age_s=DAY_S, expires_ns=gate.clock.utc_ns()) == []
    assert gate.shown == []


def test_without_the_time_it_is_shown_for_its_length_until_the_time_is_known(
    gate: Gate, clock: ManualClock
) -> None:
    clock.set_synced(synced=False)
    gate.post(age_s=DAY_S, expires_ns=clock.utc_ns() - NS_PER_S)
    assert gate.shown == ["b-1"]
    clock.set_synced(synced=True)
    gate.life.hear(ClockChanged(at(clock), synced=True))
    gate.life.wait(0)
    assert gate.shown == []


def test_it_stands_over_a_restart_until_it_is_over(gate: Gate) -> None:
    gate.post()
    gate.post("b-2", area="west")
    gate.confirm("b-2")
    gate.clock.advance(3600)
    assert gate.restart() == []
    assert gate.shown == ["b-1"]
    gate.life.wait(DAY_S - 3600)
    assert gate.shown == []


def test_of_an_area_that_is_not_ours_any_more_nothing_is_kept(gate: Gate) -> None:
    gate.post()
    gate.restart("west")
    assert gate.shown == []
    gate.restart("east", "west")
    assert gate.shown == []


def test_a_refusal_is_told(gate: Gate) -> None:
    (told,) = gate.life.hear(BulletinRefused(at(gate.clock), "east", "b-1", "bad-signature"))
    assert isinstance(told, Note)
    assert (told.kind, told.details["reason"]) == ("bulletin.refused", "bad-signature")


def test_for_a_drill_it_is_an_exercise(gate: Gate) -> None:
    (told,) = gate.post(status=Status.EXERCISE)
    assert isinstance(told, Note)
    assert told.status is Status.EXERCISE
    assert gate.life.ways.items[0].status is Status.EXERCISE
