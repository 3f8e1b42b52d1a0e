"""``docs/states.md`` shows the tables that the code moves by."""

from __future__ import annotations

from pathlib import Path

from supply.states import REPO, machines, page

KNOWN = {
    "agent.access.opening",
    "agent.incidents.book",
    "agent.incidents.lead",
    "agent.incidents.sla_clock",
    "agent.incidents.tasks",
    "agent.link.session",
    "devices.camera_health",
    "devices.capture_keeper",
    "devices.debounce",
    "rules.door",
}


def test_the_committed_page_is_what_the_code_makes() -> None:
    committed = Path(REPO / "docs" / "states.md").read_text(encoding="utf-8")
    assert committed == page(), "run 'make docs'"


def test_every_machine_is_found_and_drawn() -> None:
    assert set(machines()) >= KNOWN
    drawn = page()
    assert "CLOSED" not in drawn, "states are shown by their words"
    assert "    waiting --> broken : limit passed\n" in drawn
    assert "    [*] --> frozen : same-picture\n" in drawn
