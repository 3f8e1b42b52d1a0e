"""What the gate took on against what the station stored: nothing lost, invented or out of order.

The gate's side is its own log at level ``debug``: one line for every alert that it decided on
(*made*), one for every message that its store made durable (*accepted*). The station's side is its
file. An alert that was made and never accepted was cut off between the two by a kill; it may have
reached the station or not, and is counted, not forgiven: only a kill makes one.

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

MADE = re.compile(r"agent\.pipeline\.dispatch: (?:Alert|Update|Cancel) \S+ \S+ ([0-9a-f-]{36})$")
ACCEPTED = re.compile(r"agent\.outbox\.outbox: stored ([0-9a-f-]{36})$")
IN_FLIGHT = 3
SHOWN = 5

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """``made`` and ``accepted`` ids in the gate's order; ``rows`` as the station stored them.

    ``runs`` are the unbroken runs of sequence numbers that the station noted, ``reused`` those
    that it calls used twice.
    """

    made: tuple[str, ...]
    accepted: tuple[str, ...]
    rows: tuple[Row, ...]
    runs: tuple[Row, ...] = ()
    reused: tuple[Row, ...] = ()

    @classmethod
    def of(cls, site: Site) -> Self:
        """As things stand; wait for ``site.delivered()`` before."""
        made, accepted = [], []
        for line in site.agent.log.splitlines():
            if found := MADE.search(line):
                made.append(found[1])
            elif found := ACCEPTED.search(line):
                accepted.append(found[1])
        tables = (tuple(site.rows(name)) for name in ("messages", "runs", "reused"))
        return cls(tuple(made), tuple(accepted), *tables)

    @property
    def alerts(self) -> list[Row]:
        """Stored alerts in the order of their first receipt."""
        return [row for row in self.rows if row["channel"] == "alert"]

    @property
    def lost(self) -> set[str]:
        """Accepted, and not at the station: alerts and events alike."""
        return set(self.accepted) - {row["id"] for row in self.rows}

    @property
    def cut_off(self) -> set[str]:
        """Made, never accepted, and not at the station."""
        return set(self.made) - set(self.accepted) - {row["id"] for row in self.rows}

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
        assert len(self.cut_off) <= IN_FLIGHT * kills, f"never accepted: {_some(self.cut_off)}"

    def _assert_nothing_invented(self) -> None:
        invented = {row["id"] for row in self.alerts} - set(self.made)
        assert not invented, f"the gate never made: {_some(invented)}"

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
        streams: dict[tuple[bool, bool], list[Row]] = {}
        for row in self.alerts:
            stream = bool(row["replayed"]), row["severity"] == "critical"
            streams.setdefault(stream, []).append(row)
        for (replayed, _), rows in streams.items():
            for before, after in pairwise(rows):
                ascending = (before["session"], before["seq"]) < (after["session"], after["seq"])
                told = f"{after['id']} (seq {after['seq']}) after seq {before['seq']}"
                assert ascending, f"{'backlog' if replayed else 'live'} out of order: {told}"

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


def _some(ids: Iterable[str]) -> str:
    found = sorted(ids)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
