"""What `check` says of section ``answering``: names that nothing bears, times that have two."""

from __future__ import annotations

import pytest

from tests.support.samples import faults_of

PROFILES = "profiles: {day: {name: 日, rank: 1}, night: {name: 夜, rank: 2}}"


def findings(answering: str) -> list[str]:
    return faults_of(("rules:\n", f"answering: {{{answering}}}\nrules:\n"))


@pytest.mark.parametrize(
    ("answering", "found"),
    [
        ("", []),
        ("tasks: {outputs: [beacon-1]}, post: {outputs: [siren-1]}", []),
        (
            "tasks: {outputs: [lock-1]}",
            ["answering.tasks.outputs[0]: there is no siren or beacon 'lock-1'"],
        ),
        (
            "announce: {argv: [espeak-ng]}",
            ["answering.announce.argv: must start with a program's absolute path"],
        ),
        ("post: {remind_s: 300}", ["answering.post: 'remind_s' must be less than 'absent_s'"]),
        (
            "profiles: {day: {name: 日, rank: 1, post: {every_s: 900, absent_s: 60}}}",
            ["answering.profiles.day.post: 'remind_s' must be less than 'absent_s'"],
        ),
        (
            "post: {devices: [panic-1, command]}",
            ["answering.post.devices[0]: there is no answer button or reader 'panic-1'"],
        ),
        (
            "readers: {panic-1: {device: /dev/input/event0, type: card}}",
            [
                "answering.readers: nobody can answer by them: 'people' is empty",
                "answering.readers.panic-1: the name 'panic-1' is already used",
            ],
        ),
        (
            (
                "patrol: {points: {yard: {name: Y, where: y, by: [command]}}, rounds: {r: {name: R,"
                " points: [yard], windows: [{start: '20:00', end: '21:00'}],"
                " times: {yart: {by_s: 60}}, next: liya-garden/gate-1}}}"
            ),
            [
                (
                    "answering.patrol.rounds.r.times.yart: there is no point of this round 'yart'; "
                    "did you mean 'yard'?"
                ),
                "answering.patrol.rounds.r.next: liya-garden/gate-1 is this gate itself",
            ],
        ),
        (
            "calendar: {weekly: [{profile: day, start: '08:00', end: '20:00'}]}",
            ["answering.calendar.weekly[0].profile: there is no profile 'day'"],
        ),
        (
            (
                f"{PROFILES}, calendar: {{weekly: [{{profile: day, start: '08:00', end: '20:00'}}, "
                "{profile: night, start: '20:00', end: '08:00'}]}"
            ),
            [],
        ),
        (
            (
                f"{PROFILES}, calendar: {{weekly: [{{profile: day, days: [mon], start: '06:00', "
                "end: '20:00'}, {profile: night, days: [sun], start: '22:00', end: '06:30'}]}"
            ),
            ["answering.calendar.weekly[1]: covers mon 06:00, which weekly[0] covers too"],
        ),
        (
            (
                f"{PROFILES}, calendar: {{dates: [{{profile: day, first: '2026-10-01', "
                "last: '2026-10-07'}, {profile: night, first: '2026-10-07', last: '2026-10-08'}]}"
            ),
            ["answering.calendar.dates[1]: covers 2026-10-07, which dates[0] covers too"],
        ),
        (
            (
                "patrol: {points: {a: {name: A, where: a, by: [panic-1]}}, rounds: {r: {name: R, "
                "points: [a, b, a], windows: [{start: '20:00', end: '21:00'}]}}}"
            ),
            [
                "answering.patrol.points.a.by[0]: there is no answer button or reader 'panic-1'",
                "answering.patrol.rounds.r.points[1]: there is no patrol point 'b'",
                "answering.patrol.rounds.r.points[2]: 'a' stands twice in this round",
            ],
        ),
    ],
)
def test_findings(answering: str, found: list[str]) -> None:
    told = findings(answering)
    assert len(told) == len(found)
    for said, wanted in zip(told, found, strict=True):
        assert said.startswith(wanted)
