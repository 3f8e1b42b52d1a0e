"""Patrol points: who passes when, what is missed, and which gate goes on.

::

    (none)  --a window of the round opens-->        walking
    walking --a point, the next one-->              walking   fact patrol.check
    walking --a point out of its order-->           walking   also patrol.out_of_order; it counts
    walking --a point that was passed-->            walking   patrol.check, again
    walking --a point before its time-->            walking   patrol.early; it does not count
    walking --a point's time is over-->             walking   alert patrol.missed for it, at once
    walking --the last point-->                     over      patrol.done, and patrol.handover:
                                                              the station asks the next gate
    walking --the window is over, points missing--> over      alert patrol.missed (minor)

A point that is passed while no round waits for it is told, too. The end of a round is fixed when it
begins, by the monotonic clock; a round begins only once in a window. A gate that does not know the
time goes by the clock that it has, and what it tells of such a round says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from agent.config.schema.guard import PatrolConfig, PatrolRound
from agent.core.answers import Answer, GuardAnswered, Helper
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import ClockChanged, Event
from agent.core.text import Text
from agent.incidents.patrol_window import opening
from agent.incidents.way import Item, Way
from contract.words import Kind, Severity, Urgency

LOOK_NS = 60 * NS_PER_S
COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Walk:
    """One round in one window; ``window`` is when that opened, by the gate's local time.

    ``passed``: points in the order in which they were passed; ``told``: those that were told as
    missed, because their own time was over. ``ago_s``: how long before ``began`` the window had
    opened. ``over``: kept only so that the round does not begin again in the same window.
    """

    round: str
    window: str
    began: Stamp
    for_s: float
    passed: tuple[str, ...] = ()
    in_order: bool = True
    over: bool = False
    told: tuple[str, ...] = ()
    ago_s: float = 0.0

    @property
    def end_ns(self) -> int:
        """When the window is over."""
        return self.began.monotonic_ns + round(self.for_s * NS_PER_S)

    def at_ns(self, seconds: float) -> int:
        """So long after the window opened."""
        return self.began.monotonic_ns + round((seconds - self.ago_s) * NS_PER_S)


@dataclass(slots=True)
class Patrol(Way[Walk]):
    """The rounds of this gate. *zone* None: the machine's local time."""

    NAME: ClassVar[str] = "patrol"
    CASE: ClassVar[type] = Walk

    config: PatrolConfig
    zone: tzinfo | None = None
    _look_ns: int | None = field(default=None, init=False)

    @property
    def due_ns(self) -> int | None:
        """When the next round may begin or end."""
        ends = [walk.end_ns for walk in self.cases.values() if not walk.over]
        ends += [
            walk.at_ns(by_s)
            for walk in self.cases.values()
            if not walk.over
            for by_s in self._waiting(walk).values()
        ]
        looks = [] if self._look_ns is None else [self._look_ns]
        return min([*ends, *looks], default=None)

    @property
    def items(self) -> list[Item]:
        """Points that are still to be passed."""
        return [
            self._item(walk, point)
            for walk in self.cases.values()
            if not walk.over
            for point in self._missing(walk)
        ]

    def resume(self, cases: Mapping[str, Walk], now: Stamp) -> list[Decision]:
        """Go on with the rounds that the configuration still has."""
        for name, walk in cases.items():
            if name in self.config.rounds:
                self.keep(name, walk)
            else:
                self._touched.add(name)
        if self.config.rounds:
            self._look(now)
        return []

    def wipe(self, now: Stamp) -> None:
        """Rounds go on: points are kept here, nobody who passed them."""

    def on_event(self, event: Event) -> list[Decision]:
        """People who pass, and a wall clock that is not what it was."""
        match event:
            case GuardAnswered(answer=Answer.PRESENT, helper=Helper.GUARD):
                return self._heard(event)
            case ClockChanged() if self.config.rounds:
                self._look(event.at)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Rounds that end, and rounds that begin."""
        if not self.config.rounds:
            return []
        decisions = [*self._late(now), *self._ended(now)]
        self._look(now)
        return decisions

    def _heard(self, event: GuardAnswered) -> list[Decision]:
        device = event.device or COMMAND
        here = [name for name, point in self.config.points.items() if device in point.by]
        if device == COMMAND:
            named = {item.id: item for item in self.items}
            meant = named.get(event.about or "")
            if meant is None:
                return []
            point = meant.id.partition("/")[2]
            if point not in here:
                details = {"point": point, "by": event.who, "device": device}
                return [self._fact("patrol.unproven", point, event.at, details)]
            here = [point]
        return [decision for point in here for decision in self._passed(point, event)]

    def _passed(self, point: str, event: GuardAnswered) -> list[Decision]:
        about = {"point": point, "by": event.who, "with": event.by, "device": event.device}
        walks = [w for n, w in self.cases.items() if self._waits(n, w, point)]
        if not walks:
            return [self._fact("patrol.check", point, event.at, {**about, "round": None})]
        return [d for walk in walks for d in self._walked(walk, point, event.at, about)]

    def _waits(self, name: str, walk: Walk, point: str) -> bool:
        return not walk.over and point in self.config.rounds[name].points

    def _walked(
        self, walk: Walk, point: str, at: Stamp, about: Mapping[str, object]
    ) -> list[Decision]:
        told: dict[str, object] = {**about, "round": walk.round}
        if point in walk.passed:
            return [self._fact("patrol.check", point, at, {**told, "again": True})]
        planned = self.config.rounds[walk.round]
        time = planned.times.get(point)
        if time is not None and at.monotonic_ns < walk.at_ns(time.from_s):
            early_s = round((walk.at_ns(time.from_s) - at.monotonic_ns) / NS_PER_S, 1)
            return [self._fact("patrol.early", point, at, {**told, "early_s": early_s})]
        if point in walk.told:
            told["late"] = True
        expected = self._missing(walk)[0]
        passed = (*walk.passed, point)
        count = {"number": len(passed), "of": len(planned.points)}
        decisions: list[Decision] = [self._fact("patrol.check", point, at, {**told, **count})]
        walk = replace(walk, passed=passed)
        if planned.ordered and point != expected:
            walk = replace(walk, in_order=False)
            out = {**told, "expected": expected}
            decisions.append(self._fact("patrol.out_of_order", point, at, out))
        if not self._missing(walk):
            walk = replace(walk, over=True)
            decisions += self._done(walk, planned, point, at, str(about["by"]))
        self.keep(walk.round, walk)
        return decisions

    def _done(
        self, walk: Walk, planned: PatrolRound, point: str, at: Stamp, by: str
    ) -> list[Decision]:
        took_s = round((at.monotonic_ns - walk.began.monotonic_ns) / NS_PER_S, 1)
        about = {"round": walk.round, "window": walk.window, "by": by}
        known = walk.began.synced
        done = {**about, "after_s": took_s, "in_order": walk.in_order, "time_known": known}
        decisions: list[Decision] = [self._fact("patrol.done", point, at, done)]
        if planned.next is not None:
            name = {"en": planned.name.en, "zh": planned.name.zh}
            over = {**about, "to": planned.next, "within_s": planned.next_within_s, "name": name}
            decisions.append(self._fact("patrol.handover", point, at, over))
        return decisions

    def _waiting(self, walk: Walk) -> Mapping[str, float]:
        """Points with a time of their own that is not over yet: by when."""
        times = self.config.rounds[walk.round].times
        missing = [p for p in self._missing(walk) if p in times and p not in walk.told]
        return {point: times[point].by_s for point in missing}

    def _late(self, now: Stamp) -> list[Decision]:
        decisions: list[Decision] = []
        for name, walk in list(self.cases.items()):
            if walk.over:
                continue
            due = [
                p for p, by_s in self._waiting(walk).items() if walk.at_ns(by_s) <= now.monotonic_ns
            ]
            if due:
                self.keep(name, replace(walk, told=(*walk.told, *due)))
                decisions += [self._missed(walk, [point], now, f":{point}") for point in due]
        return decisions

    def _ended(self, now: Stamp) -> list[Decision]:
        decisions: list[Decision] = []
        for name, walk in list(self.cases.items()):
            if walk.over or walk.end_ns > now.monotonic_ns:
                continue
            self.keep(name, replace(walk, over=True))
            missing = [point for point in self._missing(walk) if point not in walk.told]
            if missing:
                decisions.append(self._missed(walk, missing, now))
        return decisions

    def _missed(self, walk: Walk, missing: Sequence[str], now: Stamp, more: str = "") -> Decision:
        planned = self.config.rounds[walk.round]
        points = [self.config.points[name] for name in missing]
        en = ", ".join(point.name.en for point in points)
        zh = "、".join(point.name.zh for point in points)
        return Raise(
            at=now,
            rule=self.NAME,
            kind=Kind.PATROL_MISSED,
            key=f"{self.NAME}:{walk.round}:{walk.window}{more}",
            severity=Severity.MINOR,
            urgency=Urgency.EXPECTED,
            text=Text(
                f"Patrol '{planned.name.en}' did not pass: {en}",
                f"巡逻“{planned.name.zh}”漏检：{zh}",
            ),
            device=missing[0],
            where=points[0].where,
            details={
                "round": walk.round,
                "window": walk.window,
                "missed": list(missing),
                "passed": list(walk.passed),
                "time_known": walk.began.synced,
            },
        )

    def _look(self, now: Stamp) -> None:
        """Begin the rounds whose windows are open."""
        self._look_ns = now.monotonic_ns + LOOK_NS - now.utc_ns % LOOK_NS
        local = datetime.fromtimestamp(now.utc_ns / NS_PER_S, UTC).astimezone(self.zone)
        for name, planned in self.config.rounds.items():
            walk = self.cases.get(name)
            opened = next((o for w in planned.windows if (o := opening(w, local))), None)
            if opened is None or (walk is not None and not walk.over):
                continue
            start, left_s = opened
            if walk is None or walk.window != start:
                ago_s = (local - datetime.fromisoformat(start)).total_seconds()
                self.keep(name, Walk(name, start, now, left_s, ago_s=ago_s))

    def _missing(self, walk: Walk) -> list[str]:
        return [p for p in self.config.rounds[walk.round].points if p not in walk.passed]

    def _item(self, walk: Walk, name: str) -> Item:
        point, planned = self.config.points[name], self.config.rounds[walk.round]
        return Item(
            f"{walk.round}/{name}",
            self.NAME,
            Text(
                f"Patrol '{planned.name.en}': {point.name.en}",
                f"巡逻“{planned.name.zh}”：{point.name.zh}",
            ),
            walk.began,
            (Answer.PRESENT,),
            devices=tuple(point.by),
        )

    def _fact(self, kind: str, point: str, at: Stamp, details: Mapping[str, object]) -> Note:
        return Note(at, kind, point, self.config.points[point].where, details)
