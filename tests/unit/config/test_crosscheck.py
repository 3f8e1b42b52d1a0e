"""What no single section can know."""

from __future__ import annotations

import pytest

from agent.config.load import InvalidConfigError, parse
from tests.support.samples import gate, gate_text


def problems_of(*replaced: tuple[str, str]) -> list[str]:
    """Each problem without file, line and column."""
    with pytest.raises(InvalidConfigError) as caught:
        parse(gate_text(*replaced).encode(), "gate.yaml")
    return [str(line).split(": ", 1)[1] for line in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("pin: 6,", "pin: 5,", "inputs.medical-1.pin: pin 5 is already used by inputs.panic-1.pin"),
        (
            "short_pin: 19",
            "short_pin: 18",
            "inputs.loop-1.short_pin: pin 18 is already used by inputs.loop-1.cut_pin",
        ),
        (
            "pin: 21,",
            "pin: 19,",
            "outputs.siren-1.pin: pin 19 is already used by inputs.loop-1.short_pin",
        ),
    ],
)
def test_a_pin_is_used_once(old: str, new: str, told: str) -> None:
    assert problems_of((old, new)) == [told]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "contact: door-1",
            "contact: door-2",
            "access.doors.side.contact: there is no door contact 'door-2'; did you mean 'door-1'?",
        ),
        (
            "contact: door-1",
            "contact: panic-1",
            "access.doors.side.contact: there is no door contact 'panic-1'",
        ),
        (
            "exit: exit-1",
            "exit: exitt",
            "access.doors.side.exit: there is no exit button 'exitt'; did you mean 'exit-1'?",
        ),
        (
            "relay: lock-1",
            "relay: siren-1",
            "access.doors.side.relay: there is no gate relay 'siren-1'",
        ),
        (
            "outputs: [siren-1]",
            "outputs: [beacon-1, sirn-1]",
            "rules[0].outputs[1]: there is no siren or beacon 'sirn-1'; did you mean 'siren-1'?",
        ),
        (
            "outputs: [siren-1]",
            "outputs: [lock-1]",
            "rules[0].outputs[0]: there is no siren or beacon 'lock-1'",
        ),
    ],
)
def test_what_is_named_is_there_and_of_the_right_kind(old: str, new: str, told: str) -> None:
    assert problems_of((old, new)) == [told]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (
            "{type: camera.lost, cameras: [nort]}",
            "rules[1].cameras[0]: there is no camera 'nort'; did you mean 'north'?",
        ),
        (
            "{type: watchlist.face, cameras: [east]}",
            "rules[1].cameras[0]: there is no camera 'east'",
        ),
        (
            "{type: door.held, doors: [side, door-1]}",
            "rules[1].doors[1]: there is no door 'door-1'",
        ),
        (
            "{type: medical, devices: [panic-1]}",
            "rules[1].devices[0]: there is no medical input 'panic-1'",
        ),
        (
            "{type: panic}",
            "rules[1].type: rule 'panic' stands already at rules[0]; put all outputs into one",
        ),
        (
            "{type: panic, name: second}",
            "rules[1].name: rule 'panic' stands already at rules[0]; put all outputs into one",
        ),
        (
            "{type: assist, name: panic}",
            "rules[1].name: 'panic' is a type of rule; choose another name",
        ),
    ],
)
def test_a_rule_watches_what_there_is(rule: str, told: str) -> None:
    assert told in problems_of(
        ("rules:\n", "rules:\n"), ("[siren-1]}\n", f"[siren-1]}}\n  - {rule}\n")
    )


def test_a_call_sounds_on_outputs_of_its_own() -> None:
    answering = "access:", "answering: {call_outputs: [siren-1, lock-1, beacon-1]}\naccess:"
    why = "'siren-1' sounds a rule's alarm; answering a call would silence it"
    assert problems_of(answering) == [
        f"answering.call_outputs[0]: {why}",
        "answering.call_outputs[1]: there is no siren or beacon 'lock-1'",
    ]


def test_two_rules_of_one_type_need_two_names() -> None:
    twice = "[siren-1]}\n  - {type: door.held}\n  - {type: door.held, severity: minor}\n"
    assert problems_of(("[siren-1]}\n", twice)) == [
        "rules[2].type: rule 'door.held' stands already at rules[1]; give one another 'name'"
    ]
    same = "[siren-1]}\n  - {type: door.held, name: a}\n  - {type: door.forced, name: a}\n"
    assert problems_of(("[siren-1]}\n", same)) == [
        "rules[2].name: rule 'a' stands already at rules[1]; give one another 'name'"
    ]
    gate(("[siren-1]}\n", "[siren-1]}\n  - {type: door.held}\n  - {type: door.held, name: a}\n"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "  siren-1:",
            "  panic-1:",
            "outputs.panic-1: the name 'panic-1' is already used in inputs",
        ),
        (
            "  north:\n",
            "  beacon-1:\n",
            "cameras.beacon-1: the name 'beacon-1' is already used in outputs",
        ),
    ],
)
def test_one_name_means_one_thing(old: str, new: str, told: str) -> None:
    assert told in problems_of((old, new))


def test_the_run_folder_leaves_room_for_its_sockets() -> None:
    gate(("/run/gatehouse", "/" + "r" * 86))
    told = ["node.run_dir: is too long for a Unix socket (at most 87 bytes)"]
    assert problems_of(("/run/gatehouse", "/" + "r" * 87)) == told
    assert problems_of(("/run/gatehouse", "/" + "门" * 29)) == told


def test_faces_need_a_camera() -> None:
    without = gate_text().split("cameras:")[0] + "faces: {enabled: true}\n"
    with pytest.raises(InvalidConfigError) as caught:
        parse(without.encode(), "gate.yaml")
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (
        "faces.enabled",
        "faces are switched on but there is no camera",
    )


def test_findings_across_sections_are_placed_at_the_value_they_are_about() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        parse(gate_text(("contact: door-1", "contact: door-9")).encode(), "gate.yaml")
    lines = gate_text().splitlines()
    (problem,) = caught.value.problems
    assert problem.line == next(n for n, text in enumerate(lines, 1) if "contact:" in text)
    assert problem.column == lines[problem.line - 1].index("contact:") + 1
