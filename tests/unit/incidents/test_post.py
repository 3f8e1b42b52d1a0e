"""Guard on post: challenges by schedule and by command, answers in and out of time, restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.config.schema.guard import PostConfig, Shift
from agent.config.schema.rules import Window
from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Actuate, Decision, Note, Raise, Resolve, Tell
from agent.core.errors import RefusedError
from agent.incidents.post import OnPost
from contract.words import CommandName, Kind, Status
from tests.support.ways import Life

CONFIG = PostConfig(where="north-gate", every_s=3600.0, random=False, outputs=["beacon-1"])
NIGHT = Shift(who="badge-7", windows=[Window(start="22:00", end="06:00")])


def way(config: PostConfig = CONFIG) -> OnPost:
    return OnPost(lambda: config, lambda: 0.25)


def post_of(life: Life) -> OnPost:
    (found,) = life.ways._ways
    assert isinstance(found, OnPost)
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([way()], clock)


def order(clock: ManualClock, cmd_id: str = "c-1", *, exercise: bool = False) -> Ordered:
    name = CommandName.POST_CHALLENGE
    return Ordered(stamp(clock), name, cmd_id, "cancheng", {"by": "desk-3"}, exercise)


def present(clock: ManualClock, **changes: Any) -> GuardAnswered:
    event = GuardAnswered(stamp(clock), Answer.PRESENT, "badge-7", by="card", device="reader-1")
    return replace(event, **changes)


def facts(decisions: list[Decision]) -> list[str]:
    return [d.kind for d in decisions if isinstance(d, Note)]


def told(decisions: list[Decision]) -> list[object]:
    return [d.body["occupied"] for d in decisions if isinstance(d, Tell)]


def test_a_challenge_comes_by_itself_and_is_answered(clock: ManualClock, life: Life) -> None:
    assert life.wait(3599) == []
    asked = life.wait(1)
    assert facts(asked) == ["guard.challenged"]
    assert any(isinstance(d, Actuate) and d.output == "beacon-1" for d in asked)
    (item,) = life.ways.items
    clock.advance(10)
    life.begin([way()])
    answered = life.hear(present(clock, about=item.id))
    (note,) = [d for d in answered if isinstance(d, Note)]
    assert (note.kind, note.details["after_s"], note.details["by"]) == (
        "guard.present",
        10.0,
        "badge-7",
    )
    assert told(answered) == [True]
    assert life.ways.items == []
    assert facts(life.wait(3600)) == ["guard.challenged"]


def test_nobody_answers_over_a_restart_and_then_somebody_does(
    clock: ManualClock, life: Life
) -> None:
    life.hear(order(clock))
    life.begin([way()])
    assert facts(life.wait(120)) == ["guard.reminded"]
    life.begin([way()])
    assert life.wait(179) == []
    decisions = life.wait(1)
    (alert,) = [d for d in decisions if isinstance(d, Raise)]
    assert (alert.kind, alert.where, alert.details["by"]) == (
        Kind.GUARD_ABSENT,
        "north-gate",
        "desk-3",
    )
    assert told(decisions) == [False]
    life.begin([way()])
    assert life.wait(86_400) == []
    back = life.hear(present(clock, about="post-1"))
    assert [d.key for d in back if isinstance(d, Resolve)] == [alert.key]
    assert (facts(back), told(back)) == (["guard.present"], [True])
    assert facts(life.hear(present(clock, about="post-1"))) == []


def test_a_second_challenge_is_refused_while_one_stands(clock: ManualClock, life: Life) -> None:
    life.hear(order(clock))
    assert post_of(life).took("c-1")
    assert not post_of(life).took("c-2")
    with pytest.raises(RefusedError, match="busy: a challenge stands"):
        post_of(life).permit(order(clock, "c-2"))
    post_of(life).permit(order(clock, "c-3", exercise=True))


def test_a_drill_changes_nothing_but_the_drill(clock: ManualClock, life: Life) -> None:
    life.hear(order(clock, exercise=True))
    answered = life.hear(present(clock, about="drill-1"))
    assert [d.status for d in answered if isinstance(d, Note)] == [Status.EXERCISE]
    assert told(answered) == []
    life.hear(order(clock, "c-2", exercise=True))
    life.wait(120)
    decisions = life.wait(180)
    assert [d.status for d in decisions if isinstance(d, Raise)] == [Status.EXERCISE]
    assert told(decisions) == []
    assert life.ways.items == []


def test_presence_without_a_challenge_is_told_when_it_is_news(
    clock: ManualClock, life: Life
) -> None:
    assert told(life.hear(present(clock))) == [True]
    assert facts(life.hear(present(clock))) == []
    assert facts(life.hear(present(clock, who="badge-8"))) == ["guard.present"]


def test_only_the_devices_of_the_post_prove_it(clock: ManualClock) -> None:
    life = Life([way(CONFIG.model_copy(update={"devices": ["reader-1"]}))], clock)
    life.hear(order(clock))
    assert facts(life.hear(present(clock, device="", by="command"))) == ["guard.unproven"]
    assert len(life.ways.items) == 1
    assert facts(life.hear(present(clock))) == ["guard.present"]


def test_where_nobody_has_to_be_no_challenge_comes(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Shift(who="badge-7", windows=[Window(start="00:00", end="00:00")])
    never = Shift(who="badge-7", windows=[Window(days=["mon"], start="08:00", end="08:01")])
    life = Life([way(CONFIG.model_copy(update={"roster": [never]}))], clock)
    assert life.wait(3600) == []
    clock.set_synced(synced=False)
    assert facts(life.wait(3600)) == ["guard.challenged"]
    clock.set_synced(synced=True)
    life = Life([way(CONFIG.model_copy(update={"roster": [day]}))], clock)
    life.wait(3600)
    answered = life.hear(present(clock, who="badge-9"))
    (note,) = [d for d in answered if isinstance(d, Note)]
    assert note.details["on_roster"] is False


def test_random_challenges_come_within_bounds(clock: ManualClock) -> None:
    life = Life([way(CONFIG.model_copy(update={"random": True}))], clock)
    assert life.wait(0.75 * 3600 - 1) == []
    assert facts(life.wait(1)) == ["guard.challenged"]


def test_without_an_interval_only_the_station_asks(clock: ManualClock) -> None:
    life = Life([way(PostConfig())], clock)
    assert life.ways.due_ns is None
    assert life.wait(86_400 * 7) == []
