"""Tasks and posts on the station's screen: the newest word of each, nothing long over."""

from __future__ import annotations

import json
from typing import Any

from station.lang import Lang
from station.look import Look
from station.view import work
from station.work import Work, work_of

GATE = "gh/v1/cancheng/liya-garden/gate-1"
S = 1_000_000_000
AT = "2026-11-21T08:00:00.000Z"


def status(state: str, at_s: int, task: str = "t-1", **more: Any) -> tuple[str, bytes, int]:
    body = {"task_id": task, "state": state, "by": "guard-2", "at": AT, **more}
    return f"{GATE}/task/{task}/status", json.dumps(body).encode(), at_s * S


def post(at_s: int, *, occupied: bool) -> tuple[str, bytes, int]:
    body = {"occupied": occupied, "since": AT, "by": ""}
    return f"{GATE}/post", json.dumps(body).encode(), at_s * S


def test_the_newest_word_of_each_is_shown_newest_first() -> None:
    rows = [status("received", 1), post(2, occupied=True), status("accepted", 3)]
    assert [(w.what, w.state) for w in work_of(rows, 10 * S)] == [
        ("task", "accepted"),
        ("post", "occupied"),
    ]


def test_what_ended_goes_after_ten_minutes_and_a_post_stays() -> None:
    rows = [status("done", 1), status("received", 2, "t-2"), post(3, occupied=False)]
    assert len(work_of(rows, 600 * S)) == 3
    assert [w.state for w in work_of(rows, 602 * S)] == ["empty", "received"]


def test_lines_are_for_people_and_take_no_control_characters() -> None:
    row = Work(GATE, "task", "t-1", "declined", "gate", "wrong\x1b[31m", AT, 0, drill=True)
    assert work(row, Look(Lang.ZH, 100)).plain == (
        "任务 liya-garden/gate-1  演练 DRILL  已拒绝 gate t-1  wrong\N{REPLACEMENT CHARACTER}[31m"
    )
