"""The agent is killed at random moments while twenty alarms a second arrive: none is lost.

A kill may come at any moment of a life: before panic is live, between the siren and the disk,
between the disk and the station's ack. Short here; a thousand kills in the soak.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.site import Site
from tests.tools.stream import Stream

SHORT, SOAK = 8, 1000
ROUND = 10
LONGEST_LIFE_S = 2.0
DIES_STARTING = 0.2
DRAINED_S = LIVE_S = 60.0


def kills(folder: Path, count: int, seed: int) -> tuple[Ledger, int]:
    """*count* lives of random length under the stream, then one that delivers what is left.

    Five of them in a row lead to safe mode, so that every round has both kinds.
    """
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    with Site(folder, log={"level": "debug"}) as site:
        site.agent.command = as_its_unit_does(site)
        site.start("station", "agent")
        with Stream(site) as stream:
            for number in range(count):
                if number % ROUND == 0:
                    (site.folder / "data" / "starts.json").unlink(missing_ok=True)
                if chance.random() > DIES_STARTING:
                    site.until(site.live, LIVE_S)
                time.sleep(chance.uniform(0, LONGEST_LIFE_S))
                site.agent.kill()
                site.agent.start()
            site.until(lambda: site.live() and site.linked(), LIVE_S)
        site.delivered(DRAINED_S)
        ledger = Ledger.of(site)
    return ledger, stream.pressed


def as_its_unit_does(site: Site) -> list[str]:
    """The agent without the command line before it: on its feet half a second earlier."""
    return [sys.executable, "-P", "-m", "agent.main", str(site.config_path)]


@pytest.mark.parametrize(
    "count", [SHORT, pytest.param(SOAK, marks=pytest.mark.soak)], ids=["short", "soak"]
)
def test_no_accepted_alarm_is_lost_by_kills(tmp_path: Path, count: int) -> None:
    ledger, pressed = kills(tmp_path / "site", count, seed=count)
    tell(
        f"{count} kills",
        pressed=pressed,
        accepted=len(ledger.accepted),
        stored=len(ledger.rows),
        cut_off=len(ledger.cut_off),
        came_again=ledger.copies,
    )
    ledger.assert_sound(kills=count)
    assert len(ledger.alerts) >= count
