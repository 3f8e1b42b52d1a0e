"""Clocks, levels, leads and roll-calls as people read them, in both languages."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from agent.core.clock import NS_PER_S
from contract.words import Kind, Stage, Status
from station.answering_view import INCIDENTS_SHOWN
from station.going import LeadRow, lead_json
from station.incidents import Incident, Level, StageStand, Step, clock_json, level_json
from station.lang import Lang
from station.look import Look
from station.rollcall import Answer, Roll, answer_json, roll_json
from station.standing import Standing
from station.view import render
from station.watch import text_line
from tests.support.board import BOARD, NOW_NS
from tests.tools.messages import GATE, message_id

LEVELS = (
    Level("station", "Station", "派出所", 0.0),
    Level("county", "County", "县局", 60.0),
    Level("city", "City", "市局", 180.0),
)
STAGES = (
    StageStand(1, 60.0, Step.LATE, 75.0),
    StageStand(3, 180.0, Step.WAITING, None),
    StageStand(5, 300.0, Step.WAITING, None),
)
INCIDENT = Incident(
    source=GATE,
    incident=message_id(1),
    kind=Kind.PANIC,
    status=Status.ACTUAL,
    where="north-gate",
    began_ns=NOW_NS - 100 * NS_PER_S,
    stages=STAGES,
    chain=LEVELS,
    level=1,
    stage=Stage.RECEIVED,
    by="cancheng",
)
LEAD = LeadRow(
    GATE,
    message_id(7),
    Kind.WATCHLIST_FACE,
    Status.ACTUAL,
    NOW_NS - 90 * NS_PER_S,
    Standing.FIRST,
    ("desk-3",),
)
ANSWER = Answer(
    "call-1", "north", "school/gate-1", "coming", "guard 5", 90.0, "", NOW_NS, 8.9, late=False
)
ROLL = Roll(
    call_id="call-1",
    area="north",
    kind="panic",
    text_en="Help",
    text_zh="支援",
    where="north-gate",
    gate="",
    by="cancheng",
    status=Status.ACTUAL,
    called_ns=NOW_NS - 9 * NS_PER_S,
    over_ns=NOW_NS + 200 * NS_PER_S,
    answers=(ANSWER,),
    silent=("clinic/gate-1", "mill/gate-1"),
)


def shown(lang: Lang = Lang.EN, width: int = 120, **fields: object) -> str:
    file = io.StringIO()
    board = replace(BOARD, **fields)  # type: ignore[arg-type]
    Console(width=width, file=file).print(render(board, Look(lang, width)))
    return file.getvalue()


def test_a_clock_runs_and_says_who_is_late() -> None:
    text = shown(incidents=(INCIDENT,))
    assert "liya-garden/gate-1 Panic button 紧急按钮 north-gate  +1:40" in text
    assert "1 min late, there after 75 s   3 min left 1:20   5 min left 3:20" in text
    assert "Level County  next City 1:20" in text
    text = shown(Lang.ZH, incidents=(INCIDENT,))
    assert "1 分钟 超时到场用时 75 s   3 分钟 剩余 1:20   5 分钟 剩余 3:20" in text
    assert "当前层级 县局  下一级 市局 1:20" in text


def test_a_limit_that_passed_unheard_is_shown_by_the_stations_own_clock() -> None:
    old = replace(INCIDENT, began_ns=NOW_NS - 190 * NS_PER_S)
    assert "3 min over by 0:10   5 min left 1:50" in shown(incidents=(old,))
    assert "3 分钟 已超 0:10" in shown(Lang.ZH, incidents=(old,))
    broken = replace(INCIDENT, stages=(replace(STAGES[0], step=Step.BROKEN, after_s=None),))
    assert "1 min LATE (60 s)" in shown(incidents=(broken,))


def test_who_took_it_up_ends_the_wait_for_the_next_level() -> None:
    text = shown(incidents=(replace(INCIDENT, stage=Stage.SEEN, by="desk-3"),))
    assert "Level County  taken up by desk-3" in text
    assert "next City" not in text


def test_a_drill_is_marked_and_many_are_counted() -> None:
    drills = (replace(INCIDENT, status=Status.EXERCISE),) * (INCIDENTS_SHOWN + 3)
    text = shown(incidents=drills)
    assert text.count("DRILL 演练") == INCIDENTS_SHOWN
    assert "\n+3" in text


def test_leads_say_for_whom_they_wait() -> None:
    first = replace(LEAD, standing=Standing.PENDING, by=())
    text = shown(leads=(LEAD, first, replace(LEAD, standing=Standing.CONFIRMED)))
    assert "Watchlist lead 布控线索 waits for the second person desk-3  +1:30" in text
    assert "waits for the first person  +1:30" in text
    assert "confirmed" not in text
    assert "待第二人核实 desk-3" in shown(Lang.ZH, leads=(LEAD,))


def test_a_roll_says_who_of_whom_answered_what_and_when() -> None:
    text = shown(rolls=(ROLL,))
    for part in ("answered 1/3", "+8.9 s  school/gate-1  coming  guard 5  in 90 s"):
        assert part in text
    assert "no answer yet: clinic/gate-1, mill/gate-1" in text
    text = shown(Lang.ZH, rolls=(ROLL,))
    for part in ("已应答 1/3", "正在赶来", "未应答: clinic/gate-1, mill/gate-1"):
        assert part in text


@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize("width", [60, 120])
def test_no_line_is_wider_than_the_terminal(lang: Lang, width: int) -> None:
    text = shown(lang, width, incidents=(INCIDENT,), leads=(LEAD,), rolls=(ROLL,))
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_lines_where_the_output_is_no_terminal() -> None:
    count: dict[str, object] = {"answered": 1, "called": 3}
    lines: list[dict[str, object]] = [
        {"event": "call", **roll_json(ROLL), "answers": []},
        {"event": "answer", "call_id": "call-1", **answer_json(ANSWER), **count},
        {"event": "call-over", **roll_json(ROLL), **count},
        {"event": "clock", **clock_json(INCIDENT)},
        {"event": "clock", **clock_json(INCIDENT, over=True)},
        {"event": "level", **level_json(INCIDENT)},
        {"event": "lead", **lead_json(LEAD)},
    ]
    panic, silent = "Panic button 紧急按钮", "clinic/gate-1, mill/gate-1"
    stages = "1 min late, there after 75 s; 3 min waiting (180 s); 5 min waiting (300 s)"
    assert [text_line(line, Look(Lang.EN, 100), NOW_NS).split(" ", 1)[1] for line in lines] == [
        f"CALL call-1 north {panic} open: Help  no answer yet: {silent}",
        "answer call-1: +8.9 s school/gate-1 coming guard 5 in 90 s  answered 1/3",
        f"CALL call-1 north {panic} over: Help  answered 1/3  no answer yet: {silent}",
        f"1-3-5 liya-garden/gate-1 {panic} north-gate: {stages}",
        f"1-3-5 liya-garden/gate-1 {panic} north-gate: {stages}  over",
        f"Level liya-garden/gate-1 {panic} north-gate: County",
        "Watchlist lead 布控线索 liya-garden/gate-1: waits for the second person desk-3  "
        + message_id(7),
    ]
    told = [text_line(line, Look(Lang.ZH, 100), NOW_NS) for line in lines]
    for line, part in zip(
        told,
        ("呼叫", "已应答 1/3", "已结束", "分钟", "已结束", "县局", "待第二人核实"),
        strict=True,
    ):
        assert part in line
