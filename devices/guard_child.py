"""The guard's process: ``python -m devices.guard_child PARENT FACTORY WORK_DIR``.

On standard input the agent tells which relays are away from their safe state, and for how long.
When that ends while one is (the agent died), or a pulse is not ended in time (the agent hangs, and
is killed then), the lines are taken and set safe. Raspberry Pi's kernel leaves a released line as
it was driven last, so this is not left to it. Here: reading, waiting, acting, once.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 3.0
GONE_S = 5.0
RETRY_S = 0.02
MAX_READ = 65_536
held: list[object] = []


@dataclass(frozen=True, slots=True)
class Armed:
    """One relay away from its safe state: its line, the safe electrical level, until when."""

    name: str
    pin: int
    level: bool
    until_s: float


class Watch:
    """What the agent said so far. Pure."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self.armed: dict[str, Armed] = {}
        self._rest = b""

    def feed(self, data: bytes, now_s: float) -> None:
        """Take bytes: a JSON object a line. ValueError or KeyError for what no agent says."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            word = json.loads(line)
            if "disarm" in word:
                self.armed.pop(str(word["disarm"]), None)
                continue
            name, until_s = str(word["arm"]), now_s + float(word["for_s"]) + self._grace_s
            self.armed[name] = Armed(name, int(word["pin"]), bool(word["level"]), until_s)

    @property
    def due_s(self) -> float | None:
        """When the first pulse should have been ended at the latest."""
        return min((armed.until_s for armed in self.armed.values()), default=None)


def keep(source: int, watch: Watch, kill: Callable[[], None]) -> None:
    """Read *source* until its end; *kill* is called when a pulse is not ended in time."""
    while True:
        due_s = watch.due_s
        wait_s = None if due_s is None else max(due_s - time.monotonic(), 0.0)
        if not select.select([source], [], [], wait_s)[0]:
            kill()
            select.select([source], [], [], GONE_S)
            return
        data = os.read(source, MAX_READ)
        if not data:
            return
        watch.feed(data, time.monotonic())


def main(arguments: list[str]) -> int:
    """Watch one agent to its end; 1 when a relay had to be set safe."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent, factory, work_dir = int(arguments[0]), arguments[1], Path(arguments[2])

    def kill() -> None:
        _say(f"the agent ({parent}) did not end a pulse; it is killed")
        if os.getppid() == parent:
            with contextlib.suppress(OSError):
                os.kill(parent, signal.SIGKILL)

    watch = Watch()
    keep(sys.stdin.fileno(), watch, kill)
    held.extend(_set_safe(armed, factory, work_dir) for armed in watch.armed.values())
    return 1 if watch.armed else 0


def _set_safe(armed: Armed, factory: str, work_dir: Path) -> object:
    """Take the line and set it; the kernel may need a moment to take it from the dead agent.

    The device has to be held to the end of the process: one that is collected makes an input of its
    line, which then floats.
    """
    from gpiozero import DigitalOutputDevice  # noqa: PLC0415 - loaded only when there is need

    from devices.pins import open_pins  # noqa: PLC0415 - the same

    until_s = time.monotonic() + GONE_S
    while True:
        try:
            pins = open_pins("lgpio" if factory == "lgpio" else "mock", work_dir)
            device = DigitalOutputDevice(armed.pin, initial_value=armed.level, pin_factory=pins)
        except Exception as error:  # noqa: BLE001 - pin libraries raise what they like
            if time.monotonic() < until_s:
                time.sleep(RETRY_S)
                continue
            _say(f"{armed.name} (pin {armed.pin}) could not be set safe: {error}")
            return None
        _say(f"{armed.name} (pin {armed.pin}) set safe: the agent is gone")
        return device


def _say(text: str) -> None:
    sys.stderr.write(f"guard: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)  # not through gpiozero's own end, which makes inputs of its pins
