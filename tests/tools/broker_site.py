"""A site on any broker that the tests know, and what came of its alarms there.

Here: site, which broker carries whom, gaps and order at the station. Not here: the brokers
(``tests.tools.brokers``), what must hold on every one of them (``tests.tools.checker``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from tests.tools.brokers import Brokers, forget
from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.site import GATE, Site
from tests.tools.site_config import STATION, Place
from tests.tools.stream import Stream

HOST_STATE = f"gh/v1/{STATION}/host/state"
SESSIONS = (f"{STATION}.host", ".".join(GATE.split("/")[2:]))
SHELVES = (HOST_STATE, f"{GATE}/state", f"{GATE}/meta", f"{GATE}/desired/watchlist")
GAP_S = 2.0


def fresh(brokers: Brokers) -> Brokers:
    """All nodes up, and nothing left of an earlier test."""
    brokers.heal()
    forget(brokers, SESSIONS, SHELVES)
    return brokers


def a_site(folder: Path, brokers: Brokers, gate: list[Place] | None = None) -> Site:
    """A site whose gate asks the last address first, or those of *gate*."""
    asked = gate or brokers.addresses[-1:] + brokers.addresses[:-1]
    link = {
        "protocol": brokers.protocol,
        "brokers": [{"host": host, "port": port} for host, port in asked],
    }
    return Site(
        folder / "site",
        addresses=brokers.addresses,
        five=brokers.five,
        link=link,
        log={"level": "debug"},
    )


def carrying(site: Site) -> Place:
    """The broker that carries the gate now."""
    host, _, port = str(site.component("link")["broker"]).split(",")[0].rpartition(":")
    return host, int(port)


def station_at(site: Site) -> Place:
    """The broker that carries the station now."""
    connected = [line for line in site.station.log.splitlines() if '"connected"' in line]
    host, _, port = str(json.loads(connected[-1])["broker"]).rpartition(":")
    return host, int(port)


def gaps(ledger: Ledger, *, live: bool) -> list[float]:
    """Seconds between receipts of alerts at the station, as they came; *live*: not replayed."""
    wanted = [row for row in ledger.alerts if not (live and row["replayed"])]
    return [(b["received_ns"] - a["received_ns"]) / 1e9 for a, b in pairwise(wanted)]


def assert_sound(ledger: Ledger, brokers: Brokers) -> None:
    """Nothing lost, invented or doubled, and in order.

    When a node of a cluster dies, its queues may let a few live alerts overtake others (``seq``
    tells); those that were overtaken are no later than the gap.
    """
    if len(brokers.addresses) > 1:
        late_s = max(overtaken(ledger), default=0.0)
        assert late_s < GAP_S
        by_seq = sorted(ledger.rows, key=lambda row: (row["session"], row["seq"]))
        ledger = replace(ledger, rows=tuple(by_seq))
    ledger.assert_sound()


def overtaken(ledger: Ledger) -> list[float]:
    """How much later than a younger one each live alert came that was overtaken."""
    late: list[float] = []
    first: dict[int, int] = {}
    highest = 0
    for row in ledger.alerts:
        if row["replayed"]:
            continue
        seq, at_ns = int(row["seq"]), int(row["received_ns"])
        if seq < highest:
            late.append((at_ns - min(at for s, at in first.items() if s > seq)) / 1e9)
        highest = max(highest, seq)
        first[seq] = at_ns
    return late


def told(what: str, brokers: str, ledger: Ledger, stream: Stream) -> float:
    """Print the figures; the longest gap between receipts that the stream itself did not make."""
    longest_s = max(gaps(ledger, live=True))
    tell(
        f"{what}, {brokers}",
        made=len(ledger.made),
        stored=len(ledger.alerts),
        lost=len(ledger.lost | ledger.cut_off),
        came_again=ledger.copies,
        overtaken=len(overtaken(ledger)),
        longest_gap_s=max(gaps(ledger, live=False)),
        longest_gap_between_live_s=longest_s,
        longest_gap_between_presses_s=stream.longest_s,
        slowest_s=max((row["received_ns"] - row["happened_ns"]) / 1e9 for row in ledger.alerts),
    )
    return longest_s - stream.longest_s
