"""The record of events: what came, what each rule and way made of it, what was sent or held back.

It answers ``gatehouse rules explain`` and feeds ``gatehouse rules replay``. It is no proof: that is
the audit log. So it is kept cheaply and for a while only (``agent.incidents.record_file``), and
what names a person is left out: who answered, what was noted, the arguments of orders. An entry of
the watchlist goes by an alias that nobody can trace back, and that is another one in each life of
the program.

Here: an entry put together while an event is dispatched, as one JSON line. Never raises into the
dispatcher. Not here: files, and what the lines are read for (``provisioning.replay``).
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from agent.core.answers import GuardAnswered, Ordered
from agent.core.clock import Clock, Stamp, stamp
from agent.core.decisions import (
    Actuate,
    Answered,
    Close,
    Decision,
    Note,
    Page,
    Raise,
    Resolve,
    Tell,
)
from agent.core.events import (
    AckReceived,
    CameraChanged,
    ClockChanged,
    DoorReleased,
    Event,
    FaceLead,
    HostChanged,
    IncidentChanged,
    InputChanged,
    LatchReset,
    LinkChanged,
    StorageChanged,
)
from agent.core.ids import AlertId
from agent.incidents.book import Message
from agent.incidents.veil import alias_of, entry_of, veiled
from contract.words import ListName
from rules.engine import Decided

log = logging.getLogger(__name__)

START, TIME, OTHER = "start", "time", "other"
MOST_DONE = 50
LONGEST_TEXT = 200
NAMES: Mapping[type, str] = {
    InputChanged: "input",
    CameraChanged: "camera",
    FaceLead: "lead",
    DoorReleased: "released",
    LatchReset: "reset",
    LinkChanged: "link",
    HostChanged: "station",
    StorageChanged: "storage",
    ClockChanged: "clock",
    AckReceived: "ack",
    GuardAnswered: "answer",
    Ordered: "order",
    IncidentChanged: "incident",
}
_LEFT_OUT: Mapping[type, frozenset[str]] = {
    FaceLead: frozenset({"picture", "withheld"}),
    GuardAnswered: frozenset({"who", "note"}),
    Ordered: frozenset({"args"}),
    DoorReleased: frozenset({"details"}),
    LatchReset: frozenset({"by"}),
    AckReceived: frozenset({"by"}),
    IncidentChanged: frozenset({"text", "details"}),
}


class Recorder:
    """Puts one entry together at a time. Runs on the loop."""

    def __init__(
        self,
        clock: Clock,
        write: Callable[[bytes], None] = lambda _: None,
        newest: int = 0,
        salt: bytes | None = None,
    ) -> None:
        """*write* takes a line over at once; *newest* is the number of the last entry on disk.

        *salt* is random, and forgotten with the program. Without one nothing goes by an alias, as
        in a replay, whose events have theirs already.
        """
        self._salt = salt
        self._clock = clock
        self._write = write
        self._number = newest
        self._did: list[dict[str, Any]] = []
        self._sent: list[dict[str, Any]] = []
        self._lists: dict[str, str | None] = {}
        self._station: tuple[bool, str] | None = None
        self._profile: Callable[[], str | None] = lambda: None

    def profile_asked(self, profile: Callable[[], str | None]) -> Callable[[], str | None]:
        """*profile*, which names the one that holds; it is recorded: a replay has no calendar."""
        self._profile = profile
        return profile

    def asked(
        self, list_of: Callable[[str, bool], ListName | None]
    ) -> Callable[[str, bool], ListName | None]:
        """*list_of*, whose answers are recorded: a replay has no watchlist."""

        def answer(entry_id: str, exercise: bool) -> ListName | None:  # noqa: FBT001 - as asked
            found = list_of(entry_id, exercise)
            self._lists[f"{entry_id}:{exercise}"] = None if found is None else found.value
            return found

        return answer

    def rule_decided(self, decided: Decided) -> None:
        """A rule did something, or says why it does not."""
        self._decided("rule", decided)

    def way_decided(self, decided: Decided) -> None:
        """The same of a way of answering."""
        self._decided("way", decided)

    def held_back(self, cause: Raise) -> None:
        """The cooldown of an open incident held an alert back."""
        self._add(self._sent, {"key": cause.key, "rule": cause.rule, "held_back": True})

    def sent(self, message: Message, alert: AlertId) -> None:
        """An alert was sent."""
        cause = message.cause
        row = {
            "key": cause.key,
            "rule": cause.rule,
            "msg": message.msgtype.value,
            "kind": cause.kind.value,
            "severity": message.severity.value,
            "device": cause.device,
            "status": cause.status.value,
            "alert": alert,
            "incident": message.incident,
            "mono": cause.at.monotonic_ns,
        }
        self._add(self._sent, row)

    def noted(self, note: Note, fact: AlertId) -> None:
        """A fact was told."""
        self._add(self._sent, {"fact": fact, "kind": note.kind, "device": note.device})

    def began(self) -> None:
        """A life of the program begins: rules know nothing yet."""
        self._finish(START, stamp(self._clock), None)

    def done(self, event: Event | None) -> None:
        """Everything that follows from *event* (None: from time) is done."""
        if event is not None and not self._said_again(event):
            self._finish(NAMES.get(type(event), OTHER), event.at, event)
        elif event is None and (self._did or self._sent):
            self._finish(TIME, stamp(self._clock), None)

    def _said_again(self, event: Event) -> bool:
        """Whether the station says what it said before, as every 30 s, and nothing comes of it."""
        if not isinstance(event, HostChanged):
            return False
        before, self._station = self._station, (event.online, event.reason)
        return before == self._station and not self._did and not self._sent

    def _decided(self, by: str, decided: Decided) -> None:
        row: dict[str, Any] = {by: decided.rule}
        if decided.decisions:
            row["do"] = [_short(decision) for decision in decided.decisions]
        if decided.notes:
            row["why"] = [dict(note) for note in decided.notes]
        if decided.failed:
            row["failed"] = decided.failed[:LONGEST_TEXT]
        if decided.off:
            row["off"] = True
        self._add(self._did, row)

    @staticmethod
    def _add(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
        if len(rows) < MOST_DONE:
            rows.append(row)

    def _finish(self, name: str, at: Stamp, event: Event | None) -> None:
        did, sent, lists = self._did, self._sent, self._lists
        self._did, self._sent, self._lists = [], [], {}
        self._number += 1
        try:
            entry: dict[str, Any] = {
                "n": self._number,
                "event": name,
                "at": [at.utc_ns, at.monotonic_ns, at.synced],
                "heard": self._clock.monotonic_ns(),
                "boot": at.boot_id[:8],
            }
            more: dict[str, Any] = {
                "is": event and _told(event),
                "did": did,
                "sent": sent,
                "lists": lists,
            }
            more["profile"] = self._profile()
            named = event and entry_of(event)
            if named and self._salt is not None:
                more = veiled(more, named, alias_of(named, self._salt))
            entry |= {key: value for key, value in more.items() if value}
            line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str)
            self._write(line.encode())
        except Exception:
            log.exception("an event could not be recorded")


def _told(event: Event) -> dict[str, Any]:
    """What came; of what only ways of answering hear, nothing but its kind."""
    if type(event) not in NAMES:
        return {"kind": type(event).__name__}
    left_out = _LEFT_OUT.get(type(event), frozenset()) | {"at"}
    told = {}
    for part in dataclasses.fields(event):
        value = getattr(event, part.name)
        if part.name not in left_out:
            told[part.name] = value[:LONGEST_TEXT] if isinstance(value, str) else value
    return told


def _short(decision: Decision) -> list[str]:
    """A decision in a few words."""
    words: tuple[str, ...]
    match decision:
        case Raise(kind=kind, key=key, severity=severity):
            words = ("raise", kind.value, key, severity.value)
        case Actuate(output=output, drive=drive):
            words = ("actuate", output, drive.value)
        case Note(kind=kind, device=device):
            words = ("note", kind, device)
        case Resolve(key=key):
            words = ("resolve", key)
        case Close(key=key):
            words = ("close", key)
        case Tell(parts=parts):
            words = ("tell", "/".join(parts))
        case Answered(event=event):
            words = ("answered", event.answer.value)
        case Page(hook=hook):
            words = ("page", hook)
    return list(words)
