"""The real core with a fault planted in it: what no file or device of a test can bring about.

``python -P -m tests.tools.planted FAULT gate.yaml`` runs the core with the fault of that name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from agent.core.events import InputChanged, InputState
from agent.main import run
from agent.runtime.entry import enter
from rules.buttons import ButtonRule

BLOCKS_S = 30.0


def blocking_rule() -> None:
    """A rule blocks the loop for half a minute when the medical button is pressed."""
    hear = ButtonRule.on_event

    def blocking(rule: ButtonRule, event: Any) -> Any:
        if isinstance(event, InputChanged) and _pressed(event):
            time.sleep(BLOCKS_S)
        return hear(rule, event)

    _plant(ButtonRule, "on_event", blocking)


def _pressed(event: InputChanged) -> bool:
    return event.device == "medical-1" and event.state is InputState.PRESSED


def _raising(owner: object, name: str) -> Callable[[], None]:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"planted in {name}")

    return lambda: _plant(owner, name, broken)


def _plant(owner: object, name: str, fault: object) -> None:
    setattr(owner, name, fault)


FAULTS: dict[str, Callable[[], None]] = {
    "blocking-rule": blocking_rule,
}


if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    enter(run)
