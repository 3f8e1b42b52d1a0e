"""The screen: both languages, both widths, drills marked, and nothing of a gate's text obeyed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from contract.words import Kind, Severity, Stage, Status
from station.board import Snapshot
from station.lang import KINDS, Lang, kind_name, lang_of, word
from station.look import Look, clock, plain
from station.runs import Run
from station.view import age, holes, render
from tests.support.board import ALERT, BOARD, NOW_NS


def shown(board: Snapshot, lang: Lang = Lang.EN, width: int = 120, *, colour: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        width=width,
        file=file,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
    )
    console.print(render(board, Look(lang, width)))
    return file.getvalue()


@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(lang: Lang, width: int) -> None:
    assert max(cell_len(line) for line in shown(BOARD, lang, width).splitlines()) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_an_alert_says_what_where_when_and_how_late(width: int) -> None:
    text = shown(BOARD, Lang.EN, width)
    for part in ("Panic button", "紧急按钮", "critical", "north-gate", "liya-garden/gate-1"):
        assert part in text
    for part in ("42 ms", "received", ALERT.id[:13], "Panic button at the north gate"):
        assert part in text
    assert "北门紧急按钮触发" in shown(BOARD, Lang.ZH, width)


@pytest.mark.parametrize("width", [80, 120])
def test_a_gate_says_how_it_does(width: int) -> None:
    text = " ".join(shown(BOARD, Lang.EN, width).split())
    for part in ("Liya Garden, north gate", "no3-school/gate-2", "online", "4 s", "7, 12-14"):
        assert part in text
    for part in ("TWO AGENTS under this", "malformed 2", "clock unsynced", "events missing 5"):
        assert part in text
    assert "camera north" in text


def test_a_drill_cannot_be_taken_for_an_alarm() -> None:
    drill = replace(ALERT, status=Status.EXERCISE)
    for lang in Lang:
        text = shown(replace(BOARD, alerts=(drill,)), lang)
        assert "DRILL" in text
        assert "演练" in text
        assert word(Severity.CRITICAL, lang) not in text
        assert "DRILL" not in shown(BOARD, lang)


def test_severity_has_a_colour_and_no_color_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;37;41m critical" in shown(BOARD, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;37;41m" not in shown(BOARD, colour=True)
    assert "\x1b" not in shown(BOARD)


def test_texts_of_a_gate_are_shown_not_obeyed() -> None:
    evil = replace(ALERT, text_en="\x1b[2J[red]gone[/red]\u202e\x07", place="a\nb", by="x\x1b[0m")
    text = shown(replace(BOARD, alerts=(replace(evil, stage=Stage.SEEN),)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]gone[/red]" in text


def test_not_listening_is_said_with_the_reason() -> None:
    board = replace(BOARD, listening=False, not_listening="the broker went away")
    assert "NOT LISTENING the broker went away" in shown(board)
    assert "未在接收" in shown(board, Lang.ZH)


def test_unknown_kinds_and_unsynced_clocks_are_shown_as_such() -> None:
    strange = replace(ALERT, kind="flood", severity="", synced=False, msgtype="Cancel")
    absurd = replace(strange, latency_ms=1_700_000_000_000)
    text = shown(replace(BOARD, alerts=(strange, absurd)))
    assert "~42 ms" in text
    assert "flood" in text
    assert "(over)" in text
    assert "?" in text


def test_an_empty_board_says_so() -> None:
    board = replace(BOARD, gates=(), alerts=(), malformed=None)
    assert "no alerts yet" in shown(board)
    assert "尚无门岗上线" in shown(board, Lang.ZH)


def test_every_kind_has_both_names() -> None:
    assert set(KINDS) == {kind.value for kind in Kind}
    assert kind_name("panic", Lang.ZH) == "紧急按钮 Panic button"
    assert kind_name("flood", Lang.EN) == "flood"


def test_small_texts() -> None:
    assert [age(s * 1_000_000_000) for s in (0, 119, 120, 7200, 172_800)] == [
        "0 s",
        "119 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert holes([]) == "0"
    assert holes([Run(n, n) for n in range(1, 10, 2)]) == "+2, 5, 7, 9"
    assert plain("a\tb\u2028c", 10) == "a�b c"
    assert plain("x" * 20, 10) == "x" * 9 + "…"
    look = Look(Lang.EN, 80)
    assert clock(NOW_NS, look, NOW_NS) == "07:59:59"
    assert clock(NOW_NS - 86_400 * 1_000_000_000, look, NOW_NS) == "11-20 07:59"
    assert clock((1 << 63) - 1, look, NOW_NS) == "04-11 23:47"


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Lang.ZH),
        ({"LANG": "en_US.UTF-8"}, Lang.EN),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, Lang.EN),
        ({}, Lang.EN),
    ],
)
def test_the_terminals_language(environment: dict[str, str], lang: Lang) -> None:
    assert lang_of(environment) is lang
