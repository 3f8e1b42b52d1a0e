"""Tasks: an order comes down, its way through the guard's hands goes up.

Beyond the table, which is every answer that moves a task::

    received --accept_s over-->  received   Note task.unaccepted, the outputs sound
    accepted --arrive_s over-->  accepted   Note task.unarrived, the outputs sound
    open     --due_at over-->    open       Note task.overdue, once, the outputs sound
    open     --a day over-->     declined   by the gate

A reminder comes three times. What is over is remembered for a day, so that a doubled order is
answered with how it ended and not begun anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from agent.config.schema.guard import TaskConfig
from agent.core.answers import Answer, GuardAnswered, TaskGiven, TaskRefused
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Decision, Drive, Note, Tell
from agent.core.events import Event
from agent.core.text import Text
from agent.incidents.way import Item, Way
from contract.words import Refusal, Status

DAY_NS = 86_400 * NS_PER_S
MOST_REMINDERS = 3
MOST_OPEN = 200
BY_GATE = "gate"


class TaskState(StrEnum):
    """How far a task is, as ``~/task/{id}/status`` says it."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    DONE = "done"
    DECLINED = "declined"


TRANSITIONS: Mapping[tuple[TaskState, Answer], TaskState] = {
    (TaskState.RECEIVED, Answer.ACCEPTED): TaskState.ACCEPTED,
    (TaskState.RECEIVED, Answer.ARRIVED): TaskState.ARRIVED,
    (TaskState.RECEIVED, Answer.DONE): TaskState.DONE,
    (TaskState.RECEIVED, Answer.DECLINED): TaskState.DECLINED,
    (TaskState.ACCEPTED, Answer.ARRIVED): TaskState.ARRIVED,
    (TaskState.ACCEPTED, Answer.DONE): TaskState.DONE,
    (TaskState.ACCEPTED, Answer.DECLINED): TaskState.DECLINED,
    (TaskState.ARRIVED, Answer.DONE): TaskState.DONE,
    (TaskState.ARRIVED, Answer.DECLINED): TaskState.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task; ``since`` is when it came to its ``state``."""

    id: str
    issuer: str
    text: Text
    where: str
    status: Status
    digest: str
    given: Stamp
    since: Stamp
    state: TaskState = TaskState.RECEIVED
    by: str = BY_GATE
    note: str = ""
    due_s: float | None = None
    overdue: bool = False
    reminders: int = 0
    incident: str = ""

    @property
    def key(self) -> str:
        """What it is kept and answered under: a drill's tasks are others."""
        return _key(self.id, exercise=self.status is Status.EXERCISE)

    @property
    def is_open(self) -> bool:
        """True while somebody has to do something."""
        return bool(self.answers)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What may be said to it now."""
        return tuple(answer for state, answer in TRANSITIONS if state is self.state)


@dataclass(slots=True)
class Tasks(Way[Task]):
    """The tasks of this gate."""

    NAME: ClassVar[str] = "task"
    CASE: ClassVar[type] = Task

    config: TaskConfig

    @property
    def due_ns(self) -> int | None:
        """When the next reminder, end or forgetting is due."""
        dues = [due for task in self.cases.values() for due in self._dues(task)]
        return min(dues, default=None)

    @property
    def items(self) -> list[Item]:
        """Tasks that are open."""
        return [
            Item(
                task.key,
                self.NAME,
                Text(f"Task: {task.text.en}", f"任务：{task.text.zh}"),
                task.given,
                task.answers,
                task.status,
                ", ".join(_standing(task)),
            )
            for task in self.cases.values()
            if task.is_open
        ]

    def on_event(self, event: Event) -> list[Decision]:
        """Orders of the station, and the guard's answers."""
        match event:
            case TaskGiven():
                return self._given(event)
            case TaskRefused():
                return [self._refused(event)]
            case GuardAnswered(about=str(about)) if about in self.cases:
                return self._answered(self.cases[about], event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Reminders, ends, and what is forgotten."""
        decisions: list[Decision] = []
        for task in list(self.cases.values()):
            if not task.is_open:
                if _passed(task.since, now) >= DAY_NS:
                    self.end(task.key)
            elif _passed(task.given, now) >= DAY_NS:
                note = "not done within a day"
                decisions.append(self._move(task, TaskState.DECLINED, now, BY_GATE, note))
            else:
                decisions += self._reminded(task, now)
        return decisions

    def _given(self, event: TaskGiven) -> list[Decision]:
        key = _key(event.task_id, exercise=event.exercise)
        known = self.cases.get(key)
        if known is not None:
            if known.digest == event.digest:
                return [_status(known)]
            return [_status(known, "another order of this id was not taken")]
        if sum(task.is_open for task in self.cases.values()) >= MOST_OPEN:
            reason = f"{Refusal.BUSY}: {MOST_OPEN} tasks are open"
            return [_declined(event.task_id, event.at, reason, exercise=event.exercise)]
        task = Task(
            event.task_id,
            event.issuer,
            Text(event.en, event.zh),
            event.where,
            Status.EXERCISE if event.exercise else Status.ACTUAL,
            event.digest,
            event.at,
            event.at,
            due_s=event.due_s,
            incident=event.incident,
        )
        self.keep(key, task)
        return [_status(task), *self._sound()]

    def _refused(self, event: TaskRefused) -> Decision:
        known = self.cases.get(_key(event.task_id, exercise=event.exercise))
        if known is not None:
            return _status(known, f"another order was not taken: {event.reason}")
        return _declined(event.task_id, event.at, event.reason, exercise=event.exercise)

    def _answered(self, task: Task, event: GuardAnswered) -> list[Decision]:
        state = TRANSITIONS.get((task.state, event.answer))
        if state is None:
            details = {"answer": event.answer.value, "state": task.state.value, "by": event.who}
            return [_fact(task, "task.answer_unused", event.at, details)]
        return [self._move(task, state, event.at, event.who, event.note)]

    def _move(self, task: Task, state: TaskState, at: Stamp, by: str, note: str) -> Decision:
        task = replace(task, state=state, since=at, by=by[:64], note=note, reminders=0)
        self.keep(task.key, task)
        return _status(task)

    def _reminded(self, task: Task, now: Stamp) -> list[Decision]:
        kinds: list[str] = []
        wait_ns = self._wait_ns(task)
        if wait_ns is not None and _passed(task.since, now) >= wait_ns:
            task = replace(task, reminders=task.reminders + 1)
            late = task.state is TaskState.RECEIVED
            kinds.append("task.unaccepted" if late else "task.unarrived")
        if _is_overdue(task, now):
            task = replace(task, overdue=True)
            kinds.append("task.overdue")
        if not kinds:
            return []
        self.keep(task.key, task)
        after_s = round(_passed(task.given, now) / NS_PER_S, 1)
        details = {"state": task.state.value, "after_s": after_s, "reminders": task.reminders}
        return [*(_fact(task, kind, now, details) for kind in kinds), *self._sound()]

    def _wait_ns(self, task: Task) -> int | None:
        """How long after its state began the next reminder is due; None: there is none."""
        waits = {TaskState.RECEIVED: self.config.accept_s, TaskState.ACCEPTED: self.config.arrive_s}
        wait_s = waits.get(task.state)
        if wait_s is None or task.reminders >= MOST_REMINDERS:
            return None
        return round(wait_s * (task.reminders + 1) * NS_PER_S)

    def _dues(self, task: Task) -> Iterator[int]:
        since_ns, given_ns = task.since.monotonic_ns, task.given.monotonic_ns
        if not task.is_open:
            yield since_ns + DAY_NS
            return
        yield given_ns + DAY_NS
        wait_ns = self._wait_ns(task)
        if wait_ns is not None:
            yield since_ns + wait_ns
        if task.due_s is not None and not task.overdue:
            yield given_ns + round(task.due_s * NS_PER_S)

    def _sound(self) -> list[Decision]:
        return [Actuate(name, Drive.ON, self.config.sound_s) for name in self.config.outputs]


def _key(task_id: str, *, exercise: bool) -> str:
    return f"drill/{task_id}" if exercise else task_id


def _passed(then: Stamp, now: Stamp) -> int:
    return now.monotonic_ns - then.monotonic_ns


def _is_overdue(task: Task, now: Stamp) -> bool:
    due_s = task.due_s
    return due_s is not None and not task.overdue and _passed(task.given, now) >= due_s * NS_PER_S


def _standing(task: Task) -> Iterator[str]:
    if task.state is not TaskState.RECEIVED:
        yield f"{task.state} {task.by}"
    if task.overdue:
        yield "overdue 已超时"
    if task.reminders:
        yield f"reminder 催办 {task.reminders}"


def _status(task: Task, note: str = "") -> Tell:
    body = {"task_id": task.id, "state": task.state.value, "by": task.by, "at": task.since.utc}
    note = note or task.note
    if note:
        body["note"] = note[:500]
    return Tell(("task", task.id, "status"), body, task.status)


def _declined(task_id: str, at: Stamp, reason: str, *, exercise: bool) -> Tell:
    state = TaskState.DECLINED.value
    body = {"task_id": task_id, "state": state, "by": BY_GATE, "at": at.utc, "note": reason[:500]}
    status = Status.EXERCISE if exercise else Status.ACTUAL
    return Tell(("task", task_id, "status"), body, status)


def _fact(task: Task, kind: str, at: Stamp, details: Mapping[str, object]) -> Note:
    about = {"task_id": task.id, **details}
    if task.incident:
        about["incident"] = task.incident
    return Note(at, kind, "task", task.where or "gate", about, task.status)
