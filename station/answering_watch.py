"""What changed in roll-calls, clocks, levels and leads since the last look, as lines.

Here: each change once, and how a line reads for people. Not here: the loop (``station.watch``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contract.words import Status
from station.answering_view import stage_words
from station.board import Snapshot
from station.going import lead_json
from station.incidents import Incident, clock_json, level_json
from station.lang import Lang, kind_name, word
from station.look import Look, plain
from station.rollcall import Answer, Roll, answer_json, roll_json
from station.values import gate_name

Line = dict[str, object]
Key = tuple[str, str]


class AnsweringChanges:
    """Remembers what was told, and tells what is new."""

    def __init__(self, board: Snapshot) -> None:
        self._calls = {roll.call_id: roll for roll in board.rolls}
        self._ended = {roll.call_id for roll in board.rolls if _is_over(roll, board)}
        self._answers = {_answer_key(a) for roll in board.rolls for a in roll.answers}
        self._incidents = {_key(incident): incident for incident in board.incidents}
        self._leads = {(lead.source, lead.id): lead.standing for lead in board.leads}

    def lines(self, board: Snapshot) -> Iterator[Line]:
        """What is new on *board*, each once."""
        yield from self._of_calls(board)
        yield from self._of_incidents(board)
        for lead in reversed(board.leads):
            if self._leads.get((lead.source, lead.id)) != lead.standing:
                self._leads[lead.source, lead.id] = lead.standing
                yield {"event": "lead", **lead_json(lead)}

    def _of_calls(self, board: Snapshot) -> Iterator[Line]:
        """Calls that are new, who answers them, and who did not when they are over."""
        for roll in reversed(board.rolls):
            if roll.call_id not in self._calls:
                yield {"event": "call", **roll_json(roll), "answers": []}
            self._calls[roll.call_id] = roll
            for answer in roll.answers:
                if _answer_key(answer) not in self._answers:
                    self._answers.add(_answer_key(answer))
                    about: Line = {"call_id": roll.call_id, **answer_json(answer)}
                    yield {"event": "answer", **about, **_count(roll)}
        for roll in self._calls.values():
            if roll.call_id not in self._ended and _is_over(roll, board):
                self._ended.add(roll.call_id)
                yield {"event": "call-over", **roll_json(roll), **_count(roll)}
        shown = {roll.call_id for roll in board.rolls}
        self._calls = {name: r for name, r in self._calls.items() if name in shown}
        self._ended &= shown
        self._answers = {key for key in self._answers if key[0] in shown}

    def _of_incidents(self, board: Snapshot) -> Iterator[Line]:
        now = {_key(incident): incident for incident in board.incidents}
        for key, incident in now.items():
            before = self._incidents.get(key)
            if incident.stages and (before is None or clock_json(before) != clock_json(incident)):
                yield {"event": "clock", **clock_json(incident)}
            if incident.chain and (before is None or level_json(before) != level_json(incident)):
                yield {"event": "level", **level_json(incident)}
        for key, gone in self._incidents.items():
            if key not in now and gone.stages:
                yield {"event": "clock", **clock_json(gone, over=True)}
        self._incidents = now


def text_of(line: Mapping[str, Any], look: Look) -> str | None:
    """The line for people, without its time; None for a line of another kind."""
    told = {
        "call": _call_text,
        "call-over": _call_text,
        "answer": _answer_text,
        "clock": _clock_text,
        "level": _level_text,
        "lead": _lead_text,
    }.get(str(line["event"]))
    return None if told is None else told(line, look)


def _call_text(line: Mapping[str, Any], look: Look) -> str:
    lang, over = look.lang, line["event"] == "call-over"
    state = word("call-over" if over else "call-open", lang)
    silent = f"  {word('no-answer', lang)}: {', '.join(line['silent'])}" if line["silent"] else ""
    count = f"  {_answered(line, lang)}" if over else ""
    text = plain(str(line["text"][lang.value]), 160)
    head = f"{_drill(line, lang)}{word('call', lang)} {plain(line['call_id'], 64)} {line['area']}"
    return f"{head} {kind_name(line['kind'], lang)} {state}: {text}{count}{silent}"


def _answer_text(line: Mapping[str, Any], look: Look) -> str:
    lang = look.lang
    after = "" if line["after_s"] is None else f" +{line['after_s']:.1f} s"
    eta = "" if line["eta_s"] is None else f" {word('eta', lang)} {line['eta_s']:g} s"
    late = f" {word('too-late', lang)}" if line["late"] else ""
    said = f"{line['gate']} {word(line['state'], lang)} {plain(line['who'], 64)}{eta}{late}"
    call = plain(line["call_id"], 64)
    return f"{word('answer', lang)} {call}:{after} {said}  {_answered(line, lang)}"


def _clock_text(line: Mapping[str, Any], look: Look) -> str:
    lang = look.lang
    stages = "; ".join(
        stage_words(s["stage"], s["limit_s"], s["state"], s["after_s"], lang)
        for s in line["stages"]
    )
    over = f"  {word('call-over', lang)}" if line["over"] else ""
    return f"{_drill(line, lang)}1-3-5 {_where(line, lang)}: {stages}{over}"


def _level_text(line: Mapping[str, Any], look: Look) -> str:
    lang = look.lang
    by = line["taken_up_by"]
    taken = f"  {word('taken-up', lang)} {plain(by, 24)}" if by else ""
    name = plain(line["name"][lang.value], 40)
    return f"{_drill(line, lang)}{word('level', lang)} {_where(line, lang)}: {name}{taken}"


def _lead_text(line: Mapping[str, Any], look: Look) -> str:
    lang = look.lang
    standing = word(f"lead-{line['standing']}", lang)
    by = f" {plain(', '.join(line['by']), 60)}" if line["by"] else ""
    gate = gate_name(line["source"])
    about = f"{kind_name(line['kind'], lang)} {gate}"
    return f"{_drill(line, lang)}{about}: {standing}{by}  {plain(line['id'], 64)}"


def _where(line: Mapping[str, Any], lang: Lang) -> str:
    gate = gate_name(line["source"])
    return f"{gate} {kind_name(line['kind'], lang)} {plain(line['where'], 32)}"


def _drill(line: Mapping[str, Any], lang: Lang) -> str:
    return "" if line["status"] == Status.ACTUAL else f"[{word(line['status'], lang)}] "


def _answered(line: Mapping[str, Any], lang: Lang) -> str:
    return f"{word('answered', lang)} {line['answered']}/{line['called']}"


def _count(roll: Roll) -> Line:
    answered, called = roll.counted
    return {"answered": answered, "called": called}


def _is_over(roll: Roll, board: Snapshot) -> bool:
    return roll.over_ns <= board.now_ns


def _answer_key(answer: Answer) -> tuple[str, str, str, int]:
    return answer.call_id, answer.gate, answer.state, answer.received_ns


def _key(incident: Incident) -> Key:
    return incident.source, incident.incident
