"""A core that hangs: killed in time, back in time, panic as before.

Promised: a hung part is killed within 10 s, panic is live at most 3 s after a start. A supervisor
stands in systemd's place and does what the unit says. Vision that hangs or is killed for its memory
(SIGKILL, as the kernel does it) stands in ``tests/e2e/test_vision_stops.py``.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.site import Site
from tests.tools.supervisor import Supervisor

KILLED_S = 10.0
LIVE_S = 3.0
SLACK_S = 0.5


def planted(site: Site, fault: str) -> list[str]:
    """The agent with a fault in it."""
    return [sys.executable, "-P", "-m", "tests.tools.planted", fault, str(site.config_path)]


@pytest.mark.parametrize("how", ["stopped", "blocked"])
def test_a_core_that_hangs_is_killed_and_back(tmp_path: Path, how: str) -> None:
    """SIGSTOP stops it whole; a rule that blocks stops its loop alone."""
    with Site(tmp_path / "site", log={"level": "debug"}) as site:
        site.start("station")
        site.agent.command = planted(site, "blocking-rule")
        with Supervisor(site.agent, "gatehouse.service", tmp_path / "notify") as service:
            site.until(lambda: service.ready(1) and site.live() and site.linked(), 20)
            site.panic_works()
            hung_s = time.monotonic()
            if how == "stopped":
                site.agent.send(signal.SIGSTOP)
            else:
                site.push("medical-1", 3600)
            site.until(lambda: service.ready(2), KILLED_S + 2 * LIVE_S + 5)
            first, second = service.lives
            assert first.ended_s is not None
            assert second.ready_s is not None
            killed_s, live_s = first.ended_s - hung_s, second.ready_s - second.began_s
            site.until(lambda: site.live() and site.linked(), 20)
            site.panic_works()
            ledger = Ledger.of(site)
        tell(f"core {how}", killed_after_s=killed_s, live_after_start_s=live_s)
    ledger.assert_sound(kills=1)
    assert first.silent
    assert killed_s <= KILLED_S + SLACK_S
    assert live_s <= LIVE_S
