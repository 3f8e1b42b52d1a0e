"""``docs/states.md`` shows the tables that the code moves by."""

from __future__ import annotations

from pathlib import Path

from supply.states import REPO, machines, page, without_table

KNOWN = {
    "agent.access.opening",
    "agent.incidents.book",
    "agent.incidents.challenge",
    "agent.incidents.lead",
    "agent.incidents.notices",
    "agent.incidents.reply",
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


def test_what_has_no_table_is_shown_with_every_move_of_its_head() -> None:
    drawn = page().partition("# Without a table")[2]
    names = {path.stem for path in without_table()}
    assert names >= {
        "assist",
        "calls",
        "calling",
        "drills",
        "escalation",
        "lane",
        "patrol",
        "sought",
    }
    moves = [
        line.removeprefix("    ")
        for path in without_table()
        for line in path.read_text(encoding="utf-8").partition('"""\n')[0].splitlines()
        if line.startswith("    ") and "-->" in line
    ]
    assert len(moves) > 50
    assert [line for line in moves if line.rstrip() not in drawn] == []
