"""What a gate does when its broker or its station forgets, played out.

Here: the scenes and what they measured. What must have come of them is asserted in
``test_faults_station``; they play beside other tests (``conftest``).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.tools.checker import Ledger
from tests.tools.odd_station import OddStation
from tests.tools.recorder import Recorded
from tests.tools.site import Site
from tests.tools.stream import Stream

WAITING = ("panic-2", "panic-3", "panic-4")
DRAINED_S = 60.0
QUIET_S = 21.0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Alarms that somebody took and forgot: seconds until the station had them after all."""

    healed_s: float
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Late:
    """An ack that came late: copies on the wire before it, and after it."""

    waited_s: float
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Dying:
    """A station killed again and again while it stored and acked."""

    pressed: int
    ledger: Ledger


def broker_forgets(folder: Path) -> Forgotten:
    """mosquitto takes three alarms (PUBACK) for a station that is away, and is killed."""
    with Site(folder, log={"level": "debug"}) as site:
        site.start("station", "agent")
        site.panic_works()
        site.station.kill()
        for name in WAITING:
            site.push(name)
        site.recorder.wait_for(lambda seen: len(_alerts(seen)) == 1 + len(WAITING))
        site.broker.restart(kill=True)
        return _healed(site)


def station_forgets(folder: Path) -> Forgotten:
    """A station takes three alarms off the broker's hands and stores nothing; then comes one."""
    with Site(folder, log={"level": "debug"}) as site:
        site.start("station", "agent")
        site.panic_works()
        site.station.kill()
        with OddStation(site.broker) as odd:
            for name in WAITING:
                site.push(name)
            site.until(lambda: len(set(odd.ids)) == len(WAITING), 10)
        return _healed(site)


def station_is_late(folder: Path, late_s: float = 12.0) -> Late:
    """The ack comes after the alarm had to be sent again: then, and only then, it is over."""
    with Site(folder) as site:
        site.start("agent")
        with OddStation(site.broker, ack_after_s=late_s) as odd:
            site.push("panic-2")
            site.until(lambda: site.status()["outbox"]["pending"], 5)
            pressed_s = time.monotonic()
            site.delivered(DRAINED_S)
            waited_s = time.monotonic() - pressed_s
            before = len(odd.ids)
            time.sleep(QUIET_S)  # the third sending would have come within
            return Late(waited_s, before, len(odd.ids) - before)


def station_dies(folder: Path, kills: int) -> Dying:
    """SIGKILL of the station between receipt, store and ack while alarms stream in."""
    chance = random.Random(kills)  # noqa: S311 - chance, not a secret
    with Site(folder, log={"level": "debug"}) as site:
        site.start("station", "agent")
        with Stream(site) as stream:
            for _ in range(kills):
                time.sleep(chance.uniform(0.2, 1.5))
                site.station.kill()
                site.station.start()
            site.until(site.listening, 20)
        site.delivered(DRAINED_S)
        ledger = Ledger.of(site)
    return Dying(stream.pressed, ledger)


def _healed(site: Site) -> Forgotten:
    healing_s = time.monotonic()
    site.start("station")
    site.until(lambda: site.status()["link"], 30)
    site.delivered(DRAINED_S)
    return Forgotten(time.monotonic() - healing_s, Ledger.of(site))


def _alerts(seen: list[Recorded]) -> list[Recorded]:
    return [message for message in seen if message.topic.endswith("/alert")]
