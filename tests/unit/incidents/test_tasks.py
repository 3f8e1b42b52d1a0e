"""Tasks: what moves them, who is reminded, and what is doubled, late or of somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.border.tasks import read_task
from agent.config.schema.guard import TaskConfig
from agent.core.answers import Answer, GuardAnswered, TaskGiven, TaskRefused
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Actuate, Decision, Note, Tell
from agent.core.errors import RefusedError
from agent.incidents.tasks import TRANSITIONS, Tasks, TaskState
from contract.signing import sign
from contract.words import Role, Status
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, STRANGER, TRUSTED, to_bytes, utc
from tests.support.ways import Life

CONFIG = TaskConfig(accept_s=60.0, arrive_s=300.0, outputs=["beacon-1"])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([Tasks(CONFIG)], clock)


def given(clock: ManualClock, **changes: Any) -> TaskGiven:
    event = TaskGiven(
        stamp(clock), "t-1", "cancheng", "Check the fence", "检查围栏", "fence", None, "sha256:1"
    )
    return replace(event, **changes)


def said(clock: ManualClock, answer: Answer, about: str = "t-1") -> GuardAnswered:
    return GuardAnswered(stamp(clock), answer, "guard-2", by="command", about=about)


def states(decisions: list[Decision]) -> list[str]:
    return [str(d.body["state"]) for d in decisions if isinstance(d, Tell)]


def facts(decisions: list[Decision]) -> list[str]:
    return [d.kind for d in decisions if isinstance(d, Note)]


def test_a_task_goes_its_way_over_restarts(clock: ManualClock, life: Life) -> None:
    assert states(life.hear(given(clock))) == ["received"]
    for answer in (Answer.ACCEPTED, Answer.ARRIVED, Answer.DONE):
        life.begin([Tasks(CONFIG)])
        (item,) = life.ways.items
        assert answer in item.answers
        (told,) = life.hear(said(clock, answer))
        assert isinstance(told, Tell)
        assert told.parts == ("task", "t-1", "status")
        assert (told.body["state"], told.body["by"]) == (answer.value, "guard-2")
    assert life.ways.items == []


def test_every_answer_either_moves_a_task_or_is_told_as_unused(
    clock: ManualClock, life: Life
) -> None:
    life.hear(given(clock))
    life.hear(said(clock, Answer.DECLINED))
    for answer in Answer:
        assert facts(life.hear(said(clock, answer))) == ["task.answer_unused"]
    assert not {TaskState.DONE, TaskState.DECLINED} & {state for state, _ in TRANSITIONS}


def test_a_doubled_order_is_answered_with_how_it_stands(clock: ManualClock, life: Life) -> None:
    life.hear(given(clock))
    life.hear(said(clock, Answer.DONE))
    life.begin([Tasks(CONFIG)])
    assert states(life.hear(given(clock))) == ["done"]
    (told,) = life.hear(given(clock, digest="sha256:2"))
    assert isinstance(told, Tell)
    assert (told.body["state"], told.body["note"]) == (
        "done",
        "another order of this id was not taken",
    )


def test_who_does_not_accept_or_arrive_is_reminded_three_times(
    clock: ManualClock, life: Life
) -> None:
    life.hear(given(clock))
    reminded = [life.wait(60) for _ in range(5)]
    assert [facts(heard) for heard in reminded] == [["task.unaccepted"]] * 3 + [[], []]
    assert any(isinstance(d, Actuate) and d.output == "beacon-1" for d in reminded[0])
    life.hear(said(clock, Answer.ACCEPTED))
    assert life.wait(299) == []
    life.begin([Tasks(CONFIG)])
    assert facts(life.wait(1)) == ["task.unarrived"]
    assert life.ways.items[0].said == "accepted guard-2, reminder 催办 1"


def test_overdue_is_told_once_and_a_day_ends_it(clock: ManualClock, life: Life) -> None:
    life.hear(given(clock, due_s=1000.0))
    life.hear(said(clock, Answer.ARRIVED))
    assert facts(life.wait(1000)) == ["task.overdue"]
    life.begin([Tasks(CONFIG)])
    assert life.wait(5000) == []
    (told,) = life.wait(86_400)
    assert isinstance(told, Tell)
    assert (told.body["state"], told.body["by"]) == ("declined", "gate")
    life.wait(86_400)
    assert life.keeper.cases["task"] == {}


def test_what_is_refused_is_declined_and_leaves_what_stands(clock: ManualClock, life: Life) -> None:
    (told,) = life.hear(TaskRefused(stamp(clock), "t-1", "wrong-node: meant for 'x'"))
    assert isinstance(told, Tell)
    assert (told.body["state"], told.body["note"]) == ("declined", "wrong-node: meant for 'x'")
    life.hear(given(clock))
    assert states(life.hear(TaskRefused(stamp(clock), "t-1", "expired"))) == ["received"]
    assert len(life.ways.items) == 1


def test_a_drills_task_is_another(clock: ManualClock, life: Life) -> None:
    life.hear(given(clock))
    (told, _) = life.hear(given(clock, exercise=True, digest="sha256:2"))
    assert isinstance(told, Tell)
    assert told.status is Status.EXERCISE
    life.hear(said(clock, Answer.DONE, "drill/t-1"))
    assert [item.id for item in life.ways.items] == ["t-1"]


def order(clock: ManualClock, **changes: Any) -> dict[str, Any]:
    return {
        "task_id": "t-1",
        "issuer": ADDRESS.station,
        "node": ADDRESS.client_id,
        "role": "config",
        "issued_at": utc(clock),
        "expires_at": utc(clock, 3600),
        "text": {"en": "Check", "zh": "检查"},
        "due_at": utc(clock, 600),
        **changes,
    }


def test_a_signed_task_is_read(clock: ManualClock) -> None:
    clock.advance(1)
    payload = to_bytes(sign(order(clock, status="Exercise"), KEYS[Role.CONFIG]))
    clock.advance(100)
    event = read_task(payload, "t-1", TRUSTED, ADDRESS, clock, drill=True)
    assert (event.zh, event.due_s, event.exercise) == ("检查", 500.0, True)
    assert not read_task(payload, "t-1", TRUSTED, ADDRESS, clock, drill=False).exercise


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"node": "cancheng.liya-garden.gate-2"}, "wrong-node"),
        ({"issuer": "nanhai"}, "unknown-issuer"),
        ({"task_id": "t-2"}, "malformed: task_id"),
        ({"issued_at": "2026-11-21T07:00:00Z", "expires_at": "2026-11-21T07:59:59Z"}, "expired"),
        ({"issued_at": "2026-11-21T08:01:00Z"}, "not-yet-valid"),
        ({"expires_at": "2026-11-23T08:00:00Z"}, "malformed: expires_at"),
        ({"due_at": "soon"}, "malformed: a time"),
        ({"more": 1}, "malformed: more"),
    ],
)
def test_what_is_not_meant_for_this_gate_and_now_is_refused(
    clock: ManualClock, changes: dict[str, Any], reason: str
) -> None:
    payload = to_bytes(sign(order(clock, **changes), KEYS[Role.CONFIG]))
    with pytest.raises(RefusedError, match=reason):
        read_task(payload, "t-1", TRUSTED, ADDRESS, clock, drill=False)


def test_who_may_not_give_tasks_is_refused(clock: ManualClock) -> None:
    for payload, reason in (
        (to_bytes(order(clock)), "bad-signature: the task is not signed"),
        (to_bytes(sign(order(clock), STRANGER)), "bad-signature"),
        (to_bytes(sign(order(clock), KEYS[Role.DOOR])), "wrong-role"),
    ):
        with pytest.raises(RefusedError, match=reason):
            read_task(payload, "t-1", TRUSTED, ADDRESS, clock, drill=False)


def test_a_gate_without_the_time_takes_a_task(clock: ManualClock) -> None:
    payload = to_bytes(sign(order(clock), KEYS[Role.CONFIG]))
    clock.set_synced(synced=False)
    clock.step(-86_400 * 365)
    assert read_task(payload, "t-1", TRUSTED, ADDRESS, clock, drill=False).due_s == 600.0
