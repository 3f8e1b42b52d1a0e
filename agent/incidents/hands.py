"""The guard's hands: a button, a card or a code becomes an answer to what waits.

A device says one of several answers: the first of what waits that takes one of them is answered
(``agent.incidents.ways`` has the order); a digit keyed before the code chooses the answer. Where
nothing waits, ``present`` still counts: the post and the patrol points hear it; any other answer is
told as unused.

::

    open    --wrong code or unknown card--> open      counted for ten minutes, told
    open    --the fifth one-->              blocked   for 30 s, told; nothing from it counts
    blocked --30 s over-->                  open      told, with how often it was tried
    open    --somebody is known-->          open      the count begins anew
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.config.schema.guard import Person
from agent.core.answers import Answer, BadgeShown, GuardAnswered, Helper
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Answered, Decision, Note
from agent.core.events import Event, InputChanged, InputState
from agent.incidents.way import Item, Way

MOST_TRIES = 5
BLOCK_NS = 30 * NS_PER_S
FORGET_NS = 600 * NS_PER_S
DIGITS: Mapping[int, Answer] = {
    1: Answer.SEEN,
    2: Answer.COMING,
    3: Answer.ARRIVED,
    4: Answer.CANNOT,
    5: Answer.ACCEPTED,
    6: Answer.DONE,
    7: Answer.DECLINED,
    8: Answer.PRESENT,
    9: Answer.CONFIRM,
    0: Answer.REJECT,
}
OF_OTHERS = frozenset({Answer.SEEN, Answer.COMING, Answer.ARRIVED, Answer.CANNOT})


@dataclass(frozen=True, slots=True)
class Hand:
    """A button or reader: where it is, what it says, and for a button whose hand it is."""

    where: str
    says: Sequence[Answer]
    who: str = ""
    helper: Helper = Helper.GUARD


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong entries at one reader since ``since``; ``ignored`` counts those while it is blocked."""

    since: Stamp
    count: int = 1
    blocked: bool = False
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """Who said what with what."""

    at: Stamp
    says: Sequence[Answer]
    who: str
    by: str
    helper: Helper
    device: str


@dataclass(slots=True)
class Hands(Way[Tries]):
    """Buttons and readers of this gate. ``waiting`` are the items of all ways, in order."""

    NAME: ClassVar[str] = "hands"
    CASE: ClassVar[type] = Tries

    buttons: Mapping[str, Hand]
    readers: Mapping[str, Hand]
    people: Mapping[str, Person]
    waiting: Callable[[], Sequence[Item]]

    @property
    def due_ns(self) -> int | None:
        """When the next reader is free again, or its tries are forgotten."""
        return min(map(_over_ns, self.cases.values()), default=None)

    def on_event(self, event: Event) -> list[Decision]:
        """Presses of answer buttons, and what readers were shown."""
        match event:
            case InputChanged(state=InputState.PRESSED, initial=False) if (
                event.device in self.buttons
            ):
                hand = self.buttons[event.device]
                who = hand.who or event.device
                said = _Said(event.at, hand.says, who, "button", hand.helper, event.device)
                return [self._answer(said, hand.where)]
            case BadgeShown(reader=name) if name in self.readers:
                return self._shown(event, self.readers[name])
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Readers that are free again."""
        decisions: list[Decision] = []
        for name, tries in list(self.cases.items()):
            if _over_ns(tries) > now.monotonic_ns:
                continue
            self.end(name)
            if tries.blocked:
                decisions.append(self._fact(name, "reader.free", now, {"ignored": tries.ignored}))
        return decisions

    def _shown(self, event: BadgeShown, hand: Hand) -> list[Decision]:
        tries = self.cases.get(event.reader)
        if tries is not None and tries.blocked:
            self.keep(event.reader, replace(tries, ignored=tries.ignored + 1))
            return []
        person = self.people.get(event.person or "")
        if person is None or event.person is None:
            return self._wrong(event, tries)
        self.end(event.reader)
        says = hand.says if event.digit is None else (DIGITS[event.digit],)
        if person.role is not Helper.GUARD:
            says = [answer for answer in says if answer in OF_OTHERS] or [Answer.ARRIVED]
        said = _Said(event.at, says, event.person, event.by, person.role, event.reader)
        return [self._answer(said, hand.where)]

    def _wrong(self, event: BadgeShown, tries: Tries | None) -> list[Decision]:
        tries = Tries(event.at) if tries is None else replace(tries, count=tries.count + 1)
        details: dict[str, object] = {"tries": tries.count, "with": event.by}
        decisions = [self._fact(event.reader, "reader.unknown", event.at, details)]
        if tries.count >= MOST_TRIES:
            tries = replace(tries, since=event.at, blocked=True)
            for_s = BLOCK_NS // NS_PER_S
            details = {"tries": tries.count, "for_s": for_s}
            decisions.append(self._fact(event.reader, "reader.blocked", event.at, details))
        self.keep(event.reader, tries)
        return decisions

    def _answer(self, said: _Said, where: str) -> Decision:
        for item in self.waiting():
            if item.devices and said.device not in item.devices:
                continue
            answer = next((a for a in said.says if item.takes(a, said.helper)), None)
            if answer is not None:
                return _answered(said, answer, item.id)
        if Answer.PRESENT in said.says and said.helper is Helper.GUARD:
            return _answered(said, Answer.PRESENT, None)
        words = {"says": [answer.value for answer in said.says], "who": said.who, "with": said.by}
        return Note(said.at, "answer.unused", said.device, where, words)

    def _fact(self, name: str, kind: str, at: Stamp, details: Mapping[str, object]) -> Decision:
        where = self.readers[name].where if name in self.readers else "gate"
        return Note(at, kind, name, where, details)


def _answered(said: _Said, answer: Answer, about: str | None) -> Answered:
    return Answered(
        GuardAnswered(
            said.at,
            answer,
            said.who,
            said.by,
            helper=said.helper,
            about=about,
            device=said.device,
        )
    )


def _over_ns(tries: Tries) -> int:
    return tries.since.monotonic_ns + (BLOCK_NS if tries.blocked else FORGET_NS)
