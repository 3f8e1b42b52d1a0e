from __future__ import annotations

from agent.core.clock import ManualClock, stamp
from agent.core.events import ComponentState
from agent.core.health import Component, HealthBoard

OK, DEGRADED, DOWN = ComponentState.OK, ComponentState.DEGRADED, ComponentState.DOWN


def test_an_empty_board_is_healthy() -> None:
    assert HealthBoard().healthy


def test_one_degraded_part_makes_the_gate_unhealthy() -> None:
    board = HealthBoard()
    board.note("link", OK)
    board.note("outbox", DEGRADED, "disk full")
    before = board.healthy
    board.note("outbox", OK)
    assert (before, board.healthy) == (False, True)


def test_an_issue_makes_the_gate_unhealthy_until_it_is_taken_back(clock: ManualClock) -> None:
    board = HealthBoard()
    board.raise_issue("storage", "outbox", "disk full", stamp(clock))
    before = board.healthy
    assert board.clear_issue("storage", "outbox")
    assert (before, board.healthy) == (False, True)
    assert not board.clear_issue("storage", "outbox")


def test_a_note_tells_what_stood_there_only_when_the_state_changed() -> None:
    board = HealthBoard()
    assert board.note("link", DOWN, "no route") is None
    assert board.note("link", DOWN, "refused") is None
    assert board.note("link", OK) == Component(DOWN, "refused")


def test_a_reason_is_no_longer_than_a_heartbeat_may_carry() -> None:
    board = HealthBoard()
    board.note("camera.north", DOWN, "lost: " + "x" * 300)
    assert board.components["camera.north"].reason == "lost: " + "x" * 294


def test_a_standing_issue_is_reworded_but_keeps_its_beginning(clock: ManualClock) -> None:
    board = HealthBoard()
    assert board.raise_issue("tls", "link", "first", stamp(clock))
    clock.advance(60)
    assert not board.raise_issue("tls", "link", "second", stamp(clock))
    (issue,) = board.issues
    assert issue.as_json() == {
        "code": "tls",
        "component": "link",
        "text": "second",
        "since": "2026-11-21T08:00:00.000Z",
    }


def test_the_same_code_of_two_components_is_two_issues(clock: ManualClock) -> None:
    board = HealthBoard()
    board.raise_issue("device-down", "input.panic-1", "pin 5", stamp(clock))
    board.raise_issue("device-down", "output.siren-1", "pin 6", stamp(clock))
    assert [issue.component for issue in board.issues] == ["input.panic-1", "output.siren-1"]


def test_a_component_is_written_with_its_reason_and_figures() -> None:
    board = HealthBoard()
    board.note("camera.north", DEGRADED, "dark", fps=4.8)
    assert board.components["camera.north"].as_json() == {
        "state": "degraded",
        "reason": "dark",
        "fps": 4.8,
    }
    board.note("camera.north", OK)
    assert board.components["camera.north"].as_json() == {"state": "ok"}
