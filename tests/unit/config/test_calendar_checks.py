"""What `check` says of profiles and the calendar: limits that fit nothing, and holes."""

from __future__ import annotations

import pytest

from agent.config.calendar_checks import calendar_remarks
from tests.support.samples import faults_of, gate

CUSTOM = """\
rules:
  - type: custom
    name: stay
    alert: loiter
    when: {lasts: device == 'door-1' and state == 'open', for_s: 60}
    text: {en: Stays, zh: 逗留}
"""


AT = "answering.profiles.school"


def findings(profile: str) -> list[str]:
    profiles = f"answering: {{profiles: {{school: {{name: 学, rank: 1, {profile}}}}}}}\n"
    return faults_of(("rules:\n", f"{profiles}{CUSTOM}"))


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        ("rules: {stay: {for_s: 10}}", []),
        (
            "rules: {stai: {for_s: 10}}",
            ["rules.stai: there is no custom rule 'stai'; did you mean 'stay'?"],
        ),
        (
            "rules: {stay: {within_s: 10}}",
            ["rules.stay.within_s: the condition of 'stay' is 'lasts', which has no 'within_s'"],
        ),
        (
            "rules: {stay: {}}",
            ["rules.stay: give 'at_least', 'within_s' or 'for_s'"],
        ),
        (
            "doors: {gate-x: {held_warn_s: 5, held_alarm_s: 9}}",
            ["doors.gate-x: there is no door 'gate-x'"],
        ),
        (
            "doors: {side: {held_warn_s: 9, held_alarm_s: 9}}",
            ["doors.side: 'held_warn_s' must be less than 'held_alarm_s'"],
        ),
    ],
)
def test_limits_that_fit_nothing(profile: str, found: list[str]) -> None:
    assert findings(profile) == [f"{AT}.{line}" for line in found]


def remarks(weekly: str) -> list[str]:
    profiles = "profiles: {day: {name: 日, rank: 1}, night: {name: 夜, rank: 2}}"
    text = f"answering: {{{profiles}, calendar: {{weekly: [{weekly}]}}}}\nrules:\n"
    return list(calendar_remarks(gate(("rules:\n", text))))


SAYS = "answering.calendar.weekly: says nothing for "
HOLDS = "; the strictest profile, 'night', holds then"


@pytest.mark.parametrize(
    ("weekly", "told"),
    [
        ("{profile: day, start: '00:00', end: '00:00'}", []),
        (
            (
                "{profile: day, start: '06:00', end: '20:00'},"
                "{profile: night, start: '20:00', end: '06:00'}"
            ),
            [],
        ),
        ("", [SAYS + "the whole week" + HOLDS]),
        (
            "{profile: day, days: [mon, tue, wed, thu, fri], start: '00:00', end: '00:00'}",
            [SAYS + "sat 00:00 to mon 00:00" + HOLDS],
        ),
        (
            "{profile: day, days: [sat], start: '08:00', end: '09:00'}",
            [SAYS + "sat 09:00 to sat 08:00" + HOLDS],
        ),
        (
            "{profile: day, start: '08:00', end: '20:00'}",
            [
                SAYS
                + "sun 20:00 to mon 08:00; mon 20:00 to tue 08:00; tue 20:00 to wed 08:00"
                + " and 4 more"
                + HOLDS
            ],
        ),
    ],
)
def test_holes_are_told_with_what_holds_then(weekly: str, told: list[str]) -> None:
    assert remarks(weekly) == told


def test_a_gate_without_profiles_has_no_holes() -> None:
    assert list(calendar_remarks(gate())) == []
