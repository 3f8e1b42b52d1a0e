"""What the gate took on against what the station stored: nothing lost, invented or out of order.

The gate's side is its own log at level ``debug``: a line for every alert and event that it decided
on (*made*), for every message that its store made durable (*accepted*), and for every door that it
opened for a command. The station's side is its file; commands are those on the wire. A message that
was made and never accepted was cut off between the two by a kill; it may have reached the station
or not, and is counted, not forgiven: only a kill makes one.

    ledger = Ledger.of(site)
    ledger.assert_sound(kills=8)
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from tests.tools.recorder import Recorder
from tests.tools.site import Site

MADE = re.compile(r"agent\.pipeline\.dispatch: (\w+) \S+ \S+ ([0-9a-f-]{36})$")
ACCEPTED = re.compile(r"agent\.outbox\.outbox: stored ([0-9a-f-]{36})$")
OPENED = re.compile(r"agent\.access\.doors: door \S+ opened by command (\S+)$")
IN_FLIGHT = 3
SHOWN = 5

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What both sides say, ids in their own order.

    Of the gate: ``made`` alerts, ``noted`` events, ``accepted`` messages, and the commands for
    which a door was ``opened``, each time it was. Of the wire: the ``commanded``. Of the station:
    ``rows`` as it stored them, ``runs`` of numbers without a hole, ``reused`` numbers.
    """

    made: tuple[str, ...]
    noted: tuple[str, ...]
    accepted: tuple[str, ...]
    opened: tuple[str, ...]
    commanded: tuple[str, ...]
    rows: tuple[Row, ...]
    runs: tuple[Row, ...]
    reused: tuple[Row, ...]

    @classmethod
    def of(cls, site: Site) -> Self:
        """As things stand; wait for ``site.delivered()`` before."""
        lines = site.agent.log.splitlines()
        made = [(found[1], found[2]) for line in lines if (found := MADE.search(line))]
        rows, runs, reused = (tuple(site.rows(name)) for name in ("messages", "runs", "reused"))
        return cls(
            made=tuple(name for word, name in made if word != "Event"),
            noted=tuple(name for word, name in made if word == "Event"),
            accepted=_all(ACCEPTED, lines),
            opened=_all(OPENED, lines),
            commanded=tuple(_cmd_id(sent.payload) for sent in site.recorder.on("cmd/door.open")),
            rows=rows,
            runs=runs,
            reused=reused,
        )

    @property
    def alerts(self) -> list[Row]:
        """Stored alerts in the order of their first receipt."""
        return [row for row in self.rows if row["channel"] == "alert"]

    @property
    def presses(self) -> list[Row]:
        """Those of them that a panic button made, not a clock that ran out meanwhile."""
        return [row for row in self.alerts if row["kind"] == "panic"]

    @property
    def lost(self) -> set[str]:
        """Accepted, and not at the station: alerts and events alike."""
        return set(self.accepted) - {row["id"] for row in self.rows}

    @property
    def cut_off(self) -> set[str]:
        """Alerts that were made, never accepted, and are not at the station."""
        return self._never_accepted(self.made)

    @property
    def copies(self) -> int:
        """Alerts and events that came more than once, and were stored once."""
        return sum(int(row["copies"]) - 1 for row in self.rows)

    def assert_sound(self, *, kills: int = 0) -> None:
        """Everything at once. With *kills*, each may cut off what was in flight at that moment."""
        assert not self.lost, f"{len(self.lost)} of {len(self.accepted)} lost: {_some(self.lost)}"
        self._assert_nothing_invented()
        self._assert_stored_once()
        self._assert_order()
        self._assert_incidents()
        self._assert_numbers()
        self._assert_actuations()
        for cut_off in (self.cut_off, self._never_accepted(self.noted)):
            assert len(cut_off) <= IN_FLIGHT * kills, f"never accepted: {_some(cut_off)}"

    def _never_accepted(self, made: Iterable[str]) -> set[str]:
        return set(made) - set(self.accepted) - {row["id"] for row in self.rows}

    def _assert_nothing_invented(self) -> None:
        for channel, made in (("alert", self.made), ("event", self.noted)):
            stored = {row["id"] for row in self.rows if row["channel"] == channel}
            invented = stored - set(made)
            assert not invented, f"{channel}s that the gate never made: {_some(invented)}"

    def _assert_actuations(self) -> None:
        """No door was opened twice for one command, or for one that nobody gave."""
        twice = [cmd_id for cmd_id, count in Counter(self.opened).items() if count > 1]
        assert not twice, f"opened twice for: {_some(twice)}"
        unknown = set(self.opened) - set(self.commanded)
        assert not unknown, f"opened, and never commanded: {_some(unknown)}"

    def _assert_numbers(self) -> None:
        """What the station shows of the gate's numbers: none missing, none used twice."""
        channels = Counter(str(run["channel"]) for run in self.runs)
        assert max(channels.values(), default=0) <= 1, f"numbers are missing: {self.runs}"
        assert not self.reused

    def _assert_stored_once(self) -> None:
        ids = Counter(row["id"] for row in self.rows)
        twice = [message_id for message_id, count in ids.items() if count > 1]
        assert not twice, f"stored twice: {_some(twice)}"

    def _assert_order(self) -> None:
        """Live alerts overtake the backlog, and what is not critical waits for the disk first."""
        streams: dict[tuple[str, bool, bool], list[Row]] = {}
        for row in self.rows:
            stream = row["channel"], bool(row["replayed"]), row["severity"] == "critical"
            streams.setdefault(stream, []).append(row)
        for (channel, replayed, _), rows in streams.items():
            for before, after in pairwise(rows):
                ascending = (before["session"], before["seq"]) < (after["session"], after["seq"])
                told = f"{after['id']} (seq {after['seq']}) after seq {before['seq']}"
                assert ascending, (
                    f"{'backlog' if replayed else 'live'} {channel}s out of order: {told}"
                )

    def _assert_incidents(self) -> None:
        """An incident begins with one Alert; what goes on with it has one to go on with."""
        begun: Counter[str] = Counter()
        spoken = set()
        for row in self.alerts:
            body = json.loads(row["body"])
            spoken.add(body["incident"])
            begun[body["incident"]] += body["msgtype"] == "Alert"
        doubled = [incident for incident, count in begun.items() if count > 1]
        assert not doubled, f"incidents that began twice: {_some(doubled)}"
        headless = {incident for incident in spoken if not begun[incident]}
        cut_off = len(self.cut_off)
        assert len(headless) <= cut_off, f"incidents that never began: {_some(headless)}"


def assert_actuations(recorder: Recorder, valid: Collection[str]) -> int:
    """Commands that were done: each of *valid*, each once; how many."""
    results = [json.loads(message.payload) for message in recorder.on("/result")]
    done = Counter(result["cmd_id"] for result in results if result["outcome"] == "done")
    unknown = set(done) - set(valid)
    assert not unknown, f"done, and never commanded: {_some(unknown)}"
    twice = [cmd_id for cmd_id, count in done.items() if count > 1]
    assert not twice, f"done twice: {_some(twice)}"
    return len(done)


def _all(pattern: re.Pattern[str], lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(found[1] for line in lines if (found := pattern.search(line)))


def _cmd_id(payload: bytes) -> str:
    return str(json.loads(payload)["cmd_id"])


def _some(ids: Iterable[str]) -> str:
    found = sorted(ids)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
