"""Recorded events through the rules of a file, and what would have been decided differently.

The events, their times, the profiles and the answers of the watchlist come from the record; rules,
incidents and the dispatcher are those of the agent, without outputs, network or disk. The ways of
answering are not replayed: what they decided then is left out on both sides.

What rests on a timer is told by the agent up to a quarter of a second late, so that two outcomes
are the same within ``SAME_S``. Times of day are those of this machine's zone.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.config.schema.root import Config
from agent.core.clock import NS_PER_S, Stamp, format_utc
from agent.core.errors import CheckFailedError
from agent.core.events import AckReceived, Event
from agent.core.health import HealthBoard
from agent.core.ids import AlertId, IdSource
from agent.core.ports import Counters
from agent.incidents.book import IncidentBook
from agent.incidents.record import NAMES, OTHER, START, TIME, Recorder
from agent.incidents.way import Gap, moved
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.dispatch import Dispatcher
from contract.words import ListName
from rules.custom import CustomRule
from rules.door import DoorWatch
from rules.engine import Engine
from rules.factory import build_rules, remembering

SAME_S = 2
_NOT_HEARD = frozenset({"answer", "order", "incident", OTHER})
_CLASSES = {name: kind for kind, name in NAMES.items() if name not in _NOT_HEARD}
_LEFT_OUT = {"reset": {"by": ""}, "ack": {"by": ""}}
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that was decided: what it is about, and what was done about it."""

    at: str
    at_ns: int
    about: tuple[str, ...]
    done: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What was decided then, ``was``, and what the file decides, ``now``; None: nothing."""

    about: str
    was: Outcome | None
    now: Outcome | None

    @property
    def word(self) -> str:
        """``added``, ``missing`` or ``changed``."""
        return "added" if self.was is None else "missing" if self.now is None else "changed"


def differences(entries: Sequence[Entry], config: Config) -> list[Difference]:
    """What the rules of *config* decide otherwise than it stands in *entries*."""
    was, now = outcomes_of(entries), outcomes_of(Replay(config, entries).play())
    by_about: dict[tuple[str, ...], tuple[list[Outcome], list[Outcome]]] = defaultdict(
        lambda: ([], [])
    )
    for side, outcomes in enumerate((was, now)):
        for outcome in outcomes:
            by_about[outcome.about][side].append(outcome)
    found = [d for about, sides in by_about.items() for d in _compared(" ".join(about), *sides)]
    return sorted(found, key=lambda d: (d.was or d.now or _NOTHING).at)


_NOTHING = Outcome("", 0, (), "")


def _compared(about: str, was: list[Outcome], now: list[Outcome]) -> list[Difference]:
    left = list(now)
    missing = []
    for old in was:
        same = next((new for new in left if _same(old, new)), None)
        if same is None:
            missing.append(old)
        else:
            left.remove(same)
    return [Difference(about, old, new) for old, new in itertools.zip_longest(missing, left)]


def _same(old: Outcome, new: Outcome) -> bool:
    return old.done == new.done and abs(old.at_ns - new.at_ns) <= SAME_S * NS_PER_S


def outcomes_of(entries: Iterable[Entry]) -> list[Outcome]:
    """What rules decided in *entries*: alerts sent and held back, facts, outputs."""
    found: list[Outcome] = []
    ways: set[str] = set()
    for entry in entries:
        utc_ns, mono_ns = entry["at"][:2]
        at = format_utc(utc_ns), mono_ns
        for row in entry.get("did", ()):
            if "way" in row:
                ways.add(row["way"])
                continue
            for word, *what in row.get("do", ()):
                if word in ("actuate", "note"):
                    found.append(Outcome(*at, (row.get("rule", ""), word, *what[:-1]), what[-1]))
        alerts = [
            row for row in entry.get("sent", ()) if "key" in row and row.get("rule") not in ways
        ]
        found += [_alert(row, *at) for row in alerts]
    return found


def _alert(row: Mapping[str, Any], at: str, at_ns: int) -> Outcome:
    about = (row.get("rule", ""), "alert", row["key"])
    if row.get("held_back"):
        return Outcome(at, at_ns, about, "held back")
    words = [row.get(name, "") for name in ("msg", "kind", "severity", "device", "status")]
    return Outcome(at, at_ns, about, " ".join(words))


class _Clock:
    """A clock that stands where the record is."""

    def __init__(self) -> None:
        self.now = Stamp(0, 0, "", synced=False)

    @property
    def boot_id(self) -> str:
        return self.now.boot_id

    def monotonic_ns(self) -> int:
        return self.now.monotonic_ns

    def utc_ns(self) -> int:
        return self.now.utc_ns

    def synced(self) -> bool:
        return self.now.synced

    def offset_ms(self) -> float | None:
        return None


class _Nowhere:
    """Outputs, outbox and keeper of a gate that is not there."""

    def drive(self, *_: object) -> None:
        """Drive nothing."""

    def offer(self, *_: object, critical: bool) -> None:
        """Send nothing."""

    def keep(self, *_: object) -> None:
        """Keep nothing."""

    def resume(self, *_: object) -> Mapping[str, Any]:
        """No earlier life."""
        return {}


class Replay:
    """One run of a record through the rules of a file."""

    def __init__(self, config: Config, entries: Sequence[Entry]) -> None:
        self._config = config
        self._entries = entries
        self._clock = _Clock()
        self._ids = IdSource(self._clock, lambda _: 0)
        self._played: list[dict[str, Any]] = []
        self._lists: dict[str, str | None] = {}
        self._profile = entries[0].get("profile") if entries else None
        self._book = IncidentBook(self._ids.new)
        self._keys = {
            row["alert"]: (row["key"], row["mono"])
            for entry in entries
            for row in entry.get("sent", ())
            if "alert" in row and "key" in row and "mono" in row
        }
        self._rules: Sequence[CustomRule | DoorWatch] = ()
        self._begin(None)

    def play(self) -> list[dict[str, Any]]:
        """The record as it would have been."""
        left: Stamp | None = None
        for entry in self._entries:
            now = _heard(entry)
            self._lists = entry.get("lists", {})
            if entry["event"] == START:
                self._clock.now = now
                self._begin(left)
            else:
                self._until(now)
                if entry["event"] not in (TIME, *_NOT_HEARD):
                    self._dispatcher.dispatch(self._event(entry))
            self._profile = entry.get("profile")
            left = now
        return self._played

    def _begin(self, left: Stamp | None) -> None:
        """A life of the program: open incidents and what rules remember are of the life before."""
        now, cases = self._clock.now, self._book.cases
        self._book = IncidentBook(self._ids.new)
        if left is not None:
            gap = Gap(left, now)
            self._book.resume({key: moved(case, gap) for key, case in cases.items()}, now)
        nowhere = _Nowhere()
        address = self._config.node.address
        recorder = Recorder(self._clock, self._record)
        rules = build_rules(self._config, self._list_of, lambda: self._profile)
        before, self._rules = self._rules, remembering(rules)
        for old, new in zip(before, self._rules, strict=False):
            new.recall_kept(moved(old.kept(), Gap(left or now, now)))
        panic = [name for name, item in self._config.inputs.items() if item.type == "panic"]
        self._dispatcher = Dispatcher(
            rules=Engine(
                rules,
                panic_devices=panic,
                on_failure=lambda *_: None,
                on_decided=recorder.rule_decided,
            ),
            book=self._book,
            ways=Ways([], nowhere, on_failure=lambda *_: None),
            words=Words(address, lambda *_, **__: False, self._clock.monotonic_ns),
            outputs=nowhere,
            outbox=nowhere,
            health=HealthBoard(),
            clock=self._clock,
            ids=self._ids,
            address=address,
            counters=Counters(0, 0, 0),
            on_probe=lambda _: None,
            record=recorder,
        )
        self._dispatcher.resume()

    def _until(self, now: Stamp) -> None:
        """Time passes to *now*, with a stop wherever something is due."""
        while (due_ns := self._dispatcher.due_ns) is not None and due_ns <= now.monotonic_ns:
            self._clock.now = _moved(now, max(due_ns, self._clock.now.monotonic_ns))
            self._dispatcher.time_passed()
            if self._dispatcher.due_ns == due_ns:
                break  # whoever waits does not let go of it: as the agent, ask again later
        self._clock.now = now

    def _event(self, entry: Entry) -> Event:
        name = entry["event"]
        values = {**_LEFT_OUT.get(name, {}), **entry.get("is", {}), "at": _stamp(entry)}
        try:
            event: Event = TypeAdapter(_CLASSES[name]).validate_python(values)
        except (KeyError, ValidationError) as error:
            raise CheckFailedError(
                f"entry {entry['n']} of the log cannot be read: {error}"
            ) from error
        if isinstance(event, AckReceived):
            return AckReceived(event.at, self._twin(event.alert_id), event.stage, event.by)
        return event

    def _twin(self, alert: AlertId) -> AlertId:
        """The alert of this run that stands for the recorded *alert*."""
        key, mono_ns = self._keys.get(alert, ("", 0))
        for entry in reversed(self._played):
            for row in entry.get("sent", ()):
                near = abs(row.get("mono", 0) - mono_ns) <= SAME_S * NS_PER_S
                if row.get("key") == key and "alert" in row and near:
                    return AlertId(row["alert"])
        return alert

    def _list_of(self, entry_id: str, exercise: bool) -> ListName | None:
        found = self._lists.get(f"{entry_id}:{exercise}")
        return None if found is None else ListName(found)

    def _record(self, line: bytes) -> None:
        self._played.append(json.loads(line))


def _stamp(entry: Entry) -> Stamp:
    utc_ns, mono_ns, synced = entry["at"]
    return Stamp(utc_ns, mono_ns, entry["boot"], synced)


def _heard(entry: Entry) -> Stamp:
    return _moved(_stamp(entry), entry["heard"])


def _moved(at: Stamp, mono_ns: int) -> Stamp:
    by_ns = mono_ns - at.monotonic_ns
    return Stamp(at.utc_ns + by_ns, mono_ns, at.boot_id, at.synced)
