"""Wall clocks in 1970, ten years off, stepping back: nothing lost, nothing double, no command done.

The real agent under libfaketime; its monotonic clock, the station and the broker keep true time.
What years do to entries of the watchlist stands in ``tests/unit/watchlist/test_sure_time.py``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.signing import sign
from contract.words import Role
from station.keys import open_station, role_key
from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.site import Site
from tests.tools.site_config import PANICS
from tests.tools.wrong_clock import TRUE, WrongClock, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

BOOT = "@1970-01-01 00:00:10"
YEARS_OFF = (BOOT, "+3650d", "-3650d")
TIME_BOUND = {"clock-unsynced", "expired", "not-yet-valid"}
STEPS = (BOOT, TRUE, "+3650d", "-3650d", "-2h", TRUE)


def test_the_clock_starts_in_1970_and_steps_by_years(tmp_path: Path) -> None:
    """A press at every step, a kill in the middle, and the next life begins in 1970 again."""
    clock = WrongClock(tmp_path / "clock", BOOT)
    with Site(tmp_path / "site", log={"level": "debug"}) as site:
        site.agent.env |= clock.environment()
        site.start("station", "agent")
        buttons = iter(PANICS)
        shown: dict[str, list[str]] = {}
        for number, what in enumerate(STEPS, start=1):
            clock.shows(what)
            alert = site.press(next(buttons))
            shown.setdefault(what, []).append(alert.body["time"][:4])
            if what in YEARS_OFF:
                site.say("cmd/rebirth", _command(site, number))
        results = site.recorder.wait_for(lambda _: len(site.recorder.on("/result")) == 3)
        refused = [json.loads(m.payload) for m in results if m.topic.endswith("/result")]
        site.station.kill()
        site.push(next(buttons))
        site.until(lambda: site.status()["outbox"]["pending"], 5)
        clock.shows(BOOT)
        site.restart_agent()
        site.push(next(buttons))
        site.start("station")
        site.delivered()
        ledger = Ledger.of(site)
        bodies = [json.loads(row["body"]) for row in ledger.alerts]
    ledger.assert_sound()
    assert {result["outcome"] for result in refused} == {"refused"}
    assert {result["reason"].split(":")[0] for result in refused} <= TIME_BOUND
    tell("clock in 1970, 10 years off", years=shown, stored=len(ledger.rows))
    assert shown[BOOT] == ["1970"]
    now = datetime.now(UTC).year
    assert {shown["+3650d"][0], shown["-3650d"][0]} == {str(now + 10), str(now - 10)}
    assert len({alert["data"]["at"]["boot_id"] for alert in bodies}) == 1
    passed = [body["data"]["at"]["monotonic_ns"] for body in bodies if not body["replayed"]]
    assert passed == sorted(passed), "whatever the wall clock says"


def _command(site: Site, number: int) -> bytes:
    """As the station signs it, by true time."""
    now = datetime.now(UTC)
    document: dict[str, Any] = {
        "cmd_id": f"cmd-{number:08}",
        "name": "rebirth",
        "issuer": "cancheng",
        "node": "cancheng.liya-garden.gate-1",
        "issued_at": f"{now:%FT%TZ}",
        "expires_at": f"{now + timedelta(minutes=5):%FT%TZ}",
        "counter": number,
        "args": {},
    }
    key = role_key(open_station(site.folder / "station"), Role.CONFIG)
    return json.dumps(sign(document, key)).encode()
