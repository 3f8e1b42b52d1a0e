"""Notices of areas: shown until they are over, confirmed by the guard. One stands for each area.

::

    (none)  --posted-----------------------> waiting     bulletin.shown
    waiting --confirmed by the guard-------> confirmed   bulletin.confirmed
    waiting, confirmed --newer one posted--> waiting     bulletin.shown
    waiting, confirmed --withdrawn, expired-> over
    any     --the same or an older posted--> as it was
    any     --refused----------------------> as it was   bulletin.refused

What is over stays as the mark below which nothing is shown again. A notice is over by the monotonic
clock; how long that is, is asked anew when the wall clock becomes sure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from agent.core.answers import (
    Answer,
    BulletinPosted,
    BulletinRefused,
    BulletinWithdrawn,
    GuardAnswered,
)
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details, Note
from agent.core.events import ClockChanged, Event
from agent.core.text import Text
from agent.incidents.way import Item, Way
from contract.words import Status


class Phase(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    OVER = "over"


class Turn(StrEnum):
    """What a notice goes through."""

    CONFIRMED = "confirmed by the guard"
    OVER = "withdrawn or expired"


TRANSITIONS = {
    (Phase.WAITING, Turn.CONFIRMED): Phase.CONFIRMED,
    (Phase.WAITING, Turn.OVER): Phase.OVER,
    (Phase.CONFIRMED, Turn.OVER): Phase.OVER,
    (Phase.OVER, Turn.OVER): Phase.OVER,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """The newest notice of an area; it is over ``left_ns`` after ``judged``."""

    area: str
    bulletin_id: str
    text: Text
    status: Status
    issued_ns: int
    expires_ns: int
    shown: Stamp
    judged: Stamp
    left_ns: int
    phase: Phase = Phase.WAITING

    @property
    def over_ns(self) -> int:
        """Monotonic ns at which it is over."""
        return self.judged.monotonic_ns + self.left_ns


@dataclass(slots=True)
class Notices(Way[Notice]):
    """The notices of this gate's ``areas``, by area. ``node`` is the gate's own name for facts."""

    NAME: ClassVar[str] = "bulletins"
    CASE: ClassVar[type] = Notice

    node: str
    areas: Collection[str]

    def resume(self, cases: Mapping[str, Notice], now: Stamp) -> list[Decision]:  # noqa: ARG002
        """What stood, in areas that are still ours."""
        for area, notice in cases.items():
            self.cases[area] = notice
            if area not in self.areas:
                self.end(area)
        return []

    def wipe(self, now: Stamp) -> None:  # noqa: ARG002 - forgets whatever the time
        """What they said is forgotten, not that they were shown: the broker still has them."""
        for area, notice in self.cases.items():
            self.keep(area, replace(notice, text=Text("", ""), phase=Phase.OVER))

    @property
    def due_ns(self) -> int | None:
        """When the next notice is over."""
        return min((notice.over_ns for notice in self._standing), default=None)

    @property
    def items(self) -> list[Item]:
        """Notices that nobody has confirmed."""
        return [
            Item(
                notice.bulletin_id,
                self.NAME,
                Text(f"Notice: {notice.text.en}", f"通告：{notice.text.zh}"),
                notice.shown,
                (Answer.CONFIRM,),
                notice.status,
            )
            for notice in self._waiting
        ]

    def on_event(self, event: Event) -> list[Decision]:
        """What is posted and withdrawn, and who confirms."""
        match event:
            case BulletinPosted():
                return self._posted(event)
            case BulletinWithdrawn(area=area) if area in self.cases:
                self._turn(self.cases[area], Turn.OVER)
            case BulletinRefused(area=area, bulletin_id=bulletin_id, reason=reason):
                details = {"area": area, "bulletin_id": bulletin_id, "reason": reason}
                return [self._told(event.at, "refused", details)]
            case GuardAnswered(answer=Answer.CONFIRM):
                return self._confirmed(event)
            case ClockChanged(synced=True, at=now):
                for notice in self._standing:
                    left_ns = notice.expires_ns - now.utc_ns
                    self.keep(notice.area, replace(notice, judged=now, left_ns=left_ns))
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Notices that are over vanish."""
        for notice in self._standing:
            if now.monotonic_ns >= notice.over_ns:
                self._turn(notice, Turn.OVER)
        return []

    @property
    def _standing(self) -> list[Notice]:
        return [notice for notice in self.cases.values() if notice.phase is not Phase.OVER]

    @property
    def _waiting(self) -> list[Notice]:
        return [notice for notice in self.cases.values() if notice.phase is Phase.WAITING]

    def _turn(self, notice: Notice, turn: Turn) -> None:
        self.keep(notice.area, replace(notice, phase=TRANSITIONS[notice.phase, turn]))

    def _posted(self, posted: BulletinPosted) -> list[Decision]:
        before = self.cases.get(posted.area)
        if posted.area not in self.areas:
            return []
        if before is not None and posted.issued_ns <= before.issued_ns:
            return []
        now = posted.at
        left_ns = posted.expires_ns - (now.utc_ns if now.synced else posted.issued_ns)
        if left_ns <= 0:
            return []
        notice = Notice(
            posted.area,
            posted.bulletin_id,
            posted.text,
            posted.status,
            posted.issued_ns,
            posted.expires_ns,
            now,
            now,
            left_ns,
        )
        self.keep(posted.area, notice)
        return [self._about(notice, now, "shown", {"issuer": posted.issuer})]

    def _confirmed(self, event: GuardAnswered) -> list[Decision]:
        waiting = sorted(self._waiting, key=lambda notice: notice.shown.monotonic_ns)
        meant = [n for n in waiting if event.about == n.bulletin_id]
        told: list[Decision] = []
        for notice in meant:
            self._turn(notice, Turn.CONFIRMED)
            after_ns = event.at.monotonic_ns - notice.shown.monotonic_ns
            details = {"by": event.who, "with": event.by, "after_s": round(after_ns / NS_PER_S, 1)}
            if event.note:
                details["note"] = event.note
            told.append(self._about(notice, event.at, "confirmed", details))
        return told

    def _about(self, notice: Notice, at: Stamp, what: str, details: dict[str, object]) -> Decision:
        head = {"area": notice.area, "bulletin_id": notice.bulletin_id}
        return self._told(at, what, {**head, **details}, notice.status)

    def _told(
        self, at: Stamp, what: str, details: Details, status: Status = Status.ACTUAL
    ) -> Decision:
        return Note(at, f"bulletin.{what}", self.node, self.node, details, status)
