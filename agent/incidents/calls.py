"""Calls of neighbours: shown and sounded here, answered by the guard, over by themselves.

::

    (none)  --call of an area of ours-->  open     shown, sounded
    open    --answer-->                   open     told to the station, quiet
    open    --its time is over-->         over     quiet; unanswered is told
    over    --another 300 s-->            (none)
    open or over --the same call again--> as it was, told once to the station

Which answer may follow which stands in ``agent.incidents.reply``. While a call is over its id is
remembered, so that a copy of it is not a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from agent.config.schema.answering import Answering
from agent.core.answers import AreaCalled, CallUnused, GuardAnswered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Decision, Details, Drive, Note, Tell
from agent.core.events import Event
from agent.core.text import Text
from agent.incidents.reply import may_follow
from agent.incidents.way import Item, Way
from contract.routes import CALL_S
from contract.words import Refusal, Status

MOST_CALLS = 50
REMEMBERED_NS = CALL_S * NS_PER_S


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it stands here. ``said`` is the last answer, ``answers`` when each was given."""

    area: str
    call_id: str
    kind: str
    text: Text
    where: str
    caller: str
    issuer: str
    status: Status
    heard: Stamp
    valid_s: float
    said: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    over: bool = False
    doubled: bool = False

    @property
    def over_ns(self) -> int:
        """Monotonic ns at which it is over."""
        return self.heard.monotonic_ns + round(self.valid_s * NS_PER_S)


@dataclass(slots=True)
class NeighbourCalls(Way[Call]):
    """The calls that this gate answers, by call id."""

    NAME: ClassVar[str] = "call"
    CASE: ClassVar[type] = Call

    config: Answering

    @property
    def due_ns(self) -> int | None:
        """When the next call is over, or may be forgotten."""
        return min((_due_ns(call) for call in self.cases.values()), default=None)

    @property
    def items(self) -> list[Item]:
        """Calls that are not over and may be answered (again)."""
        return [
            Item(
                call.call_id,
                self.NAME,
                _shown(call),
                call.heard,
                may_follow(call.said),
                call.status,
                call.said,
            )
            for call in self._open()
            if may_follow(call.said)
        ]

    def on_event(self, event: Event) -> list[Decision]:
        """Calls, and the guard's answers to them."""
        match event:
            case AreaCalled():
                return self._called(event)
            case CallUnused():
                return [_unused(event)]
            case GuardAnswered():
                return self._answered(event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Calls that are over, and those that need not be remembered any more."""
        decisions: list[Decision] = []
        for call in [c for c in self.cases.values() if now.monotonic_ns >= _due_ns(c)]:
            if call.over:
                self.end(call.call_id)
                continue
            self.keep(call.call_id, replace(call, over=True))
            details = {**_about(call), "said": call.said or None}
            decisions += [*self._quiet(), self._note(call, now, "call.over", details)]
        return decisions

    def resume(self, cases: Mapping[str, Call], now: Stamp) -> list[Decision]:
        """Go on; what nobody answered sounds again for the rest of its time."""
        self.cases.update(cases)
        waiting = [c for c in self._open() if not c.said and c.over_ns > now.monotonic_ns]
        return self._sounded() if waiting else []

    def _called(self, event: AreaCalled) -> list[Decision]:
        known = self.cases.get(event.call_id)
        if known is not None:
            if known.doubled:
                return []
            self.keep(event.call_id, replace(known, doubled=True))
            return [_unused(_refused(event, Refusal.REPEATED, "this call stands here already"))]
        if event.area not in self.config.areas:
            why = f"this gate does not answer for area '{event.area}'"
            return [_unused(_refused(event, Refusal.UNEXPECTED, why))]
        if len(self.cases) >= MOST_CALLS:
            why = f"{MOST_CALLS} calls stand here already"
            return [_unused(_refused(event, Refusal.BUSY, why))]
        call = Call(
            event.area,
            event.call_id,
            event.kind,
            event.text,
            event.where,
            event.caller,
            event.issuer,
            event.status,
            event.at,
            event.valid_s,
        )
        self.keep(call.call_id, call)
        return [*self._sounded(), self._note(call, event.at, "call.shown", _about(call))]

    def _answered(self, event: GuardAnswered) -> list[Decision]:
        call = self.cases.get(event.about or "")
        if call is None or call.over or event.answer not in may_follow(call.said):
            return []
        answers = {**call.answers, event.answer.value: event.at.utc}
        self.keep(call.call_id, replace(call, said=event.answer.value, answers=answers))
        body: dict[str, object] = {
            "call_id": call.call_id,
            "state": event.answer.value,
            "eta_s": event.eta_s,
            "who": event.who[:64] or "guard",
            "at": event.at.utc,
        }
        key = f"{call.call_id}:{event.answer.value}"
        details = {**_about(call), **body, "with": event.by, "note": event.note}
        return [
            *self._quiet(),
            Tell((), body, call.status, area=call.area, key=key),
            self._note(call, event.at, "call.response", details),
        ]

    def _open(self) -> list[Call]:
        return [call for call in self.cases.values() if not call.over]

    def _sounded(self) -> list[Decision]:
        for_s = self.config.call_sound_s
        return [Actuate(output, Drive.ON, for_s) for output in self.config.call_outputs]

    def _quiet(self) -> list[Decision]:
        """Off, unless another call still waits for its first answer."""
        if any(not call.said for call in self._open()):
            return []
        return [Actuate(output, Drive.OFF) for output in self.config.call_outputs]

    def _note(self, call: Call, at: Stamp, kind: str, details: Details) -> Note:
        return Note(at, kind, call.area, call.where, details, call.status)


def _due_ns(call: Call) -> int:
    return call.over_ns + (REMEMBERED_NS if call.over else 0)


def _shown(call: Call) -> Text:
    """What the guard reads: who calls, from where, and why."""
    en = f"called by {call.issuer}" if call.issuer else "a neighbour calls, not the station"
    zh = f"{call.issuer} 呼叫" if call.issuer else "邻近门岗呼叫（非派出所）"
    at = " ".join(part for part in (call.caller, call.where) if part)
    return Text(
        f"{call.text.en} [{at or call.area}; {en}]", f"{call.text.zh}【{at or call.area}；{zh}】"
    )


def _about(call: Call) -> dict[str, object]:
    by = call.issuer or "neighbour"
    return {"call_id": call.call_id, "area": call.area, "caller": call.caller, "by": by}


def _refused(event: AreaCalled, reason: Refusal, detail: str) -> CallUnused:
    return CallUnused(event.at, event.area, event.call_id, reason, detail, event.status)


def _unused(event: CallUnused) -> Note:
    details = {"call_id": event.call_id, "area": event.area, "reason": event.reason}
    told = {**details, "detail": event.detail}
    return Note(event.at, "call.refused", event.area, "", told, event.status)
