"""Conditions of a site's own rules: every fault with its line and column."""

from __future__ import annotations

import pytest

from agent.config.expressions import faults_of
from agent.config.load import InvalidConfigError, parse
from agent.config.whencheck import words_of
from tests.support.samples import gate, gate_text

HEAD = (
    "rules:\n  - type: custom\n    name: own\n    alert: assist\n"
    "    text: {en: a, zh: b}\n    when:"
)
LINE = gate_text().split("rules:\n")[0].count("\n") + 6
PANIC = "\n  - {type: panic, outputs: [siren-1]}\n"
OLD = "rules:\n  - {type: panic, outputs: [siren-1]}\n"


def problems_of(when: str) -> list[str]:
    """Each problem as ``line:column: path: message``; lines count from ``when:``."""
    try:
        parse(gate_text((OLD, HEAD + when + PANIC)).encode(), "g")
    except InvalidConfigError as error:
        return [
            f"{p.line - LINE}:{p.column}: {p.path.removeprefix('rules[0].')}: {p.message}"
            for p in error.problems
        ]
    return []


@pytest.mark.parametrize(
    "when",
    [
        " device == 'assist-1' and state == 'pressed'",
        ' "not initial and (score >= 0.5 or score < -1 or frames in [1, 2])"',
        " 'device in [''lane-1'', ''door-1''] and type != ''camera'''",
        " {count: event == 'lead', at_least: 2, within_s: 60}",
        " {of: type == 'door', without: {any: [initial, event == 'released']}, before_s: 10}",
        (
            "\n      all:\n        - |\n          initial\n            or exercise\n"
            "        - {lasts: state == 'absent', for_s: 5}\n      within_s: 60"
        ),
        " exercise == False",
    ],
)
def test_what_can_be_said(when: str) -> None:
    assert problems_of(when) == []


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (
            " device == 'asist-1'",
            "0:21: when: there is no device 'asist-1'; did you mean 'assist-1'?",
        ),
        (" devize == 'x'", "0:11: when: there is no 'devize' of an event; did you mean 'device'?"),
        (
            " 'device == ''dor-1'''",
            "0:22: when: there is no device 'dor-1'; did you mean 'door-1'?",
        ),
        (
            " \"state == 'presed'\"",
            "0:21: when: there is no state 'presed'; did you mean 'pressed'?",
        ),
        (
            "\n      >-\n      device == 'lane-1' and\n      score == 'x'",
            "3:16: when: a number is compared with text",
        ),
        (
            "\n      any:\n        - |\n          initial\n           and foo(1)\n        - score",
            (
                "4:16: when.any[0]: a call cannot be used here|"
                "5:11: when.any[1]: must be true or false, not a number"
            ),
        ),
        (" device.upper == 'X'", "0:11: when: an attribute cannot be used here"),
        (" score + 1 > 2", "0:11: when: arithmetic cannot be used here"),
        (
            " \"event == 'leads'\"",
            "0:21: when: there is no kind of event 'leads'; did you mean 'lead'?",
        ),
        (" device = 'x'", "0:18: when: cannot be read; a comparison is written '=='"),
        (" initial && exercise", "0:20: when: cannot be read; write 'and', 'or' and 'not'"),
        (" device", "0:11: when: must be true or false, not text"),
        (" initial and device", "0:23: when: must be true or false, not text; compare it"),
        (" state > 'open'", "0:19: when: only numbers are smaller or larger"),
        (" device in 'door-1'", "0:21: when: after 'in' stands a list, as in ['door-1', 'door-2']"),
        (" device is 'door-1'", "0:21: when: compare with ==, !=, <, <=, >, >=, in or not in"),
        (" initial == true", "0:22: when: write 'True'"),
        (" ''", "0:12: when: an expression is missing"),
        ("\n      cont: initial", "1:7: when.cont: unknown key; did you mean 'count'?"),
        ("\n      count: initial", "0:5: when: 'count' needs 'at_least' and 'within_s'"),
        (
            " {lasts: initial, for_s: 3, within_s: 4}",
            "0:5: when: 'lasts' has no 'within_s'",
        ),
        (
            " {lasts: initial, any: [initial, initial]}",
            (
                "0:5: when: a condition is a text or has one of "
                "count, all, any, sequence, lasts, without, not any and lasts"
            ),
        ),
        (
            " {of: initial, without: initial}",
            "0:5: when: 'without' needs 'before_s' or 'after_s' above 0",
        ),
        (" 3", "0:5: when: must be a mapping of keys to values, not 3"),
    ],
)
def test_a_fault_is_named_with_its_place(when: str, told: str) -> None:
    assert "|".join(problems_of(when)) == told


@pytest.mark.parametrize(
    "text",
    [
        "not " * 120 + "initial",
        "(" * 300 + "initial" + ")" * 300,
        "initial" + " and initial" * 60,
        "device == '" + "x" * 600 + "'",
        "score == 1e999 and initial and (",
        "[x for x in [1]] == 1",
        "(lambda: 1)()",
        "__import__('os')",
        "initial and f'{device}'",
        "initial if initial else exercise",
        "device['x'] == 'y'",
        "initial\0",
        "initial == 1j",
    ],
)
def test_what_is_odd_is_refused_and_never_harms(text: str) -> None:
    words = words_of(gate())
    assert faults_of(text, words)


def test_too_many_expressions_are_refused() -> None:
    eight = "[" + ", ".join(["initial"] * 8) + "]"
    many = "{any: [" + ", ".join([f"{{any: {eight}}}"] * 5) + "]}"
    assert problems_of(f" {many}") == ["0:5: when: has 40 expressions; at most 32"]
