"""Profiles: what holds at this gate now, by the station's order, the calendar, or neither.

::

    any --the station orders one-->         ordered   until it takes the order back, over restarts
    any --order taken back-->               as the calendar says
    not ordered --the time is unknown-->    strictest  an unknown time is an armed time
    not ordered --a date covers today-->    that profile
    not ordered --a weekly window-->        that profile
    not ordered --a hole in the calendar--> strictest

Each change is a fact ``profile.changed`` with its reason. Not here: what a profile changes (whoever
asks for :attr:`Profiles.current` or :attr:`Profiles.holds`), overlaps and holes as the installer
reads of them (``agent.config.calendar_checks``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import ClassVar

from agent.config.schema.profiles import Calendar, Profile
from agent.core.answers import ProfileOrdered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Note, Tell
from agent.core.events import ClockChanged, Event
from agent.incidents.way import Way
from contract.words import Document, Refusal
from rules.windows import Windows

LOOK_NS = 60 * NS_PER_S
KEY = "standing"


class By(StrEnum):
    """Why a profile holds."""

    STATION = "station"
    DATE = "date"
    WEEKLY = "weekly"
    HOLE = "hole"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds; ``ordered`` and ``version`` are of the newest document that was applied."""

    profile: str
    by: By
    since: Stamp
    ordered: str | None = None
    version: int = 0
    digest: str = ""
    applied_at: str | None = None


@dataclass(slots=True)
class Profiles(Way[Standing]):
    """The profiles of this gate; none at all: nothing happens here. *zone* None: local time."""

    NAME: ClassVar[str] = "profile"
    CASE: ClassVar[type] = Standing

    profiles: Mapping[str, Profile]
    calendar: Calendar
    zone: tzinfo | None = None
    _look_ns: int | None = field(default=None, init=False)

    @property
    def holds(self) -> str | None:
        """The name of what holds now."""
        standing = self.cases.get(KEY)
        return None if standing is None else standing.profile

    @property
    def current(self) -> Profile | None:
        """What holds now."""
        return self.profiles.get(self.holds or "")

    @property
    def due_ns(self) -> int | None:
        """When the calendar is looked at again: with each minute of the wall clock."""
        return self._look_ns

    def resume(self, cases: Mapping[str, Standing], now: Stamp) -> list[Decision]:
        """Go on with what was ordered, as far as this configuration knows it."""
        self.cases.update(cases)
        if not self.profiles:
            return []
        standing = self.cases.get(KEY)
        if standing is not None and standing.ordered not in (None, *self.profiles):
            self.keep(KEY, replace(standing, ordered=None))
        return [*self._look(now), *self._reported()]

    def wipe(self, now: Stamp) -> None:
        """What holds goes on: it says nothing of anybody."""

    def on_event(self, event: Event) -> list[Decision]:
        """Orders, and a wall clock that is not what it was."""
        match event:
            case ProfileOrdered():
                return self._ordered(event)
            case ClockChanged() if self.profiles:
                return self._look(event.at)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Look at the calendar."""
        return self._look(now) if self.profiles else []

    def _ordered(self, event: ProfileOrdered) -> list[Decision]:
        standing = self.cases.get(KEY)
        if standing is not None and standing.digest == event.digest and not event.refused:
            return []
        refused = event.refused or self._unfit(event, standing)
        if refused or standing is None:
            return self._reported(refused)
        ordered = replace(
            standing,
            ordered=event.profile,
            version=event.version,
            digest=event.digest,
            applied_at=event.at.utc,
        )
        self.keep(KEY, ordered)
        return [*self._look(event.at), *self._reported()]

    def _unfit(self, event: ProfileOrdered, standing: Standing | None) -> str:
        if standing is None:
            return f"{Refusal.UNSUPPORTED}: this gate has no profiles"
        if event.version <= standing.version:
            return f"{Refusal.OLDER_VERSION}: {event.version} is not newer than {standing.version}"
        if event.profile is not None and event.profile not in self.profiles:
            return f"{Refusal.UNSUPPORTED}: this gate has no profile '{event.profile}'"
        return ""

    def _look(self, now: Stamp) -> list[Decision]:
        self._look_ns = now.monotonic_ns + LOOK_NS - now.utc_ns % LOOK_NS
        before = self.cases.get(KEY)
        profile, by = self._meant(before, now)
        if before is not None and (before.profile, before.by) == (profile, by):
            return []
        after = Standing(profile, by, now)
        if before is not None:
            after = replace(before, profile=profile, by=by, since=now)
        self.keep(KEY, after)
        details = {"profile": profile, "by": by.value, "before": before.profile if before else None}
        return [Note(now, "profile.changed", "profile", "gate", details)]

    def _meant(self, before: Standing | None, now: Stamp) -> tuple[str, By]:
        if before is not None and before.ordered is not None:
            return before.ordered, By.STATION
        strictest = max(self.profiles, key=lambda name: self.profiles[name].rank)
        if not now.synced:
            return strictest, By.CLOCK
        today = datetime.fromtimestamp(now.utc_ns // NS_PER_S, UTC).astimezone(self.zone).date()
        for dates in self.calendar.dates:
            if dates.first <= today.isoformat() <= dates.last:
                return dates.profile, By.DATE
        for window in self.calendar.weekly:
            if Windows([window], self.zone).cover(now):
                return window.profile, By.WEEKLY
        return strictest, By.HOLE

    def _reported(self, refused: str = "") -> list[Decision]:
        """``~/reported/profile``: which document stands, and why the newest one does not."""
        standing = self.cases.get(KEY)
        body: dict[str, object] = {"version": 0, "hash": "", "applied_at": None, "rejected": []}
        if standing is not None and standing.version:
            body |= {"version": standing.version, "hash": standing.digest}
            body["applied_at"] = standing.applied_at
        if refused:
            body["refused"] = refused[:300]
        return [Tell(("reported", Document.PROFILE.value), body, standing=True)]
