"""What a level means: the wiring decides, and a cut line is never rest for a panic button."""

from __future__ import annotations

import pytest

from agent.core.events import InputState
from devices.debounce import MS
from devices.meaning import Line, lines_of, state_of, timing_of
from tests.support.wires import an_input


@pytest.mark.parametrize(
    ("kind", "wiring", "closed", "opened"),
    [
        ("panic", "nc", "released", "pressed"),
        ("panic", "no", "pressed", "released"),
        ("medical", "no", "pressed", "released"),
        ("assist", "nc", "released", "pressed"),
        ("reset", "no", "pressed", "released"),
        ("exit", "no", "pressed", "released"),
        ("door", "nc", "closed", "open"),
        ("door", "no", "open", "closed"),
        ("vehicle", "no", "present", "absent"),
    ],
)
def test_the_wiring_says_what_a_closed_and_an_open_contact_mean(
    kind: str, wiring: str, closed: str, opened: str
) -> None:
    config = an_input(kind, wiring=wiring)
    assert state_of(config, {"contact": True}).value == closed
    assert state_of(config, {"contact": False}).value == opened


@pytest.mark.parametrize("kind", ["panic", "door", "vehicle"])
def test_a_chattering_contact_is_a_fault(kind: str) -> None:
    assert state_of(an_input(kind), {"contact": None}) is InputState.FAULT


@pytest.mark.parametrize(
    ("levels", "state"),
    [
        ((False, False), InputState.INTACT),
        ((True, False), InputState.CUT),
        ((False, True), InputState.SHORTED),
        ((True, True), InputState.FAULT),
        ((None, False), InputState.FAULT),
        ((False, None), InputState.FAULT),
    ],
)
def test_a_supervised_line_has_three_states_and_a_fault(
    levels: tuple[bool | None, bool | None], state: InputState
) -> None:
    assert state_of(an_input("tamper"), dict(zip(("cut", "short"), levels, strict=True))) is state


def test_a_panic_button_is_believed_at_once_and_settles_in_its_window() -> None:
    timing = timing_of(an_input("panic", debounce_ms=40))
    assert (timing.confirm_ns, timing.stable_ns) == (0, 40 * MS)
    assert timing_of(an_input("panic", confirm_ms=20)).confirm_ns == 20 * MS


def test_anything_else_has_to_hold_for_its_window() -> None:
    timing = timing_of(an_input("door", debounce_ms=80))
    assert (timing.confirm_ns, timing.stable_ns) == (80 * MS, 80 * MS)


def test_a_contact_has_one_line_and_a_loop_two() -> None:
    assert lines_of(an_input("door", pull="down")) == (Line("contact", 5, pull_up=False),)
    assert lines_of(an_input("tamper")) == (
        Line("cut", 5, pull_up=True),
        Line("short", 6, pull_up=True),
    )
