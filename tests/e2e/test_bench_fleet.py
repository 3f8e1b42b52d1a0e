"""``bench.fleet`` on a small town: the simulated gates do what the figures say of them."""

from __future__ import annotations

import json
import sys

from tests.tools.program import run_to_end


def test_a_small_town_beats_alarms_and_comes_back() -> None:
    options = ["--agents", "40", "--minutes", "0.1", "--heartbeat-s", "2", "--json"]
    done = run_to_end([sys.executable, "-m", "bench.fleet", *options], timeout_s=90)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["before"]["sent"] >= 40 * 4
    assert (found["before"]["lost"], found["before"]["unseen"]) == (0, 0)
    assert (found["alarms_stored"], found["alarms_acked"], found["back"]) == (40, 40, 40)
    assert [phase["name"] for phase in found["phases"]] == ["connect", "beat", "alarm", "restart"]
