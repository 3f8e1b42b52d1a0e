"""The guard of the gate relays as a real process: its agent dies or hangs during a pulse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.guard import Guard
from devices.guard_child import GRACE_S
from tests.tools.program import until


def test_a_guard_that_died_is_replaced_and_told_again(tmp_path: Path) -> None:
    guard = Guard("mock", tmp_path)
    guard.start()
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: guard.pid is None, 5)
    guard.arm("lock", 21, level=False, for_s=2.0)
    assert guard.pid not in (None, first)
    guard.disarm("lock")
    guard.close()
    assert guard.pid is None


AGENT = """
import os, sys, time
from pathlib import Path
from devices.guard import Guard
guard = Guard("mock", Path("."))
guard.start()
guard.arm("lock", 21, level=False, for_s=float(sys.argv[1]))
print("armed", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("pulse_s", "number"), [("30", signal.SIGKILL), ("0.1", signal.SIGSTOP)])
def test_a_relay_is_set_safe_when_its_agent_dies_or_hangs(
    pulse_s: str, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, pulse_s],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "armed\n"
    process.send_signal(number)
    began_s = time.monotonic()
    _, said = process.communicate(timeout=15)  # the guard holds standard error to its own end
    took_s = time.monotonic() - began_s
    assert process.returncode == -signal.SIGKILL
    assert "guard: lock (pin 21) set safe: the agent is gone" in said
    assert took_s < (2.0 if number is signal.SIGKILL else GRACE_S + 3.0)
