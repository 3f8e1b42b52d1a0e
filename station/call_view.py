"""How a roll-call looks: lines for people, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime

from contract.words import Status
from station.lang import Lang, kind_name, lang_of, word
from station.look import Look, clock, plain
from station.rollcall import Answer, Roll

WIDTH = 100


def look_of(lang: Lang | None) -> Look:
    """*lang*, or the terminal's language, and this machine's time zone."""
    return Look(lang or lang_of(), WIDTH, datetime.now(UTC).astimezone().tzinfo or UTC)


def roll_lines(roll: Roll, look: Look, now_ns: int) -> list[str]:
    """A call, its answers in order of receipt, and who is silent."""
    text = roll.text_en if look.lang is Lang.EN else roll.text_zh
    drill = f"[{word(Status.EXERCISE, look.lang)}] " if roll.status is Status.EXERCISE else ""
    state = word("call-over" if now_ns >= roll.over_ns else "call-open", look.lang)
    place = " ".join(plain(part, 64) for part in (roll.gate, roll.where) if part)
    head = (
        f"{drill}{word('call', look.lang)} {plain(roll.call_id, 64)}  {roll.area}  "
        f"{kind_name(roll.kind, look.lang)}  {clock(roll.called_ns, look, now_ns)}  {state}"
    )
    lines = [head, f"  {plain(text, 160)}{f'  ({place})' if place else ''}"]
    answered, called = roll.counted
    count = f"{word('answered', look.lang)} {answered}/{called}"
    lines.append(f"  {word('called-by', look.lang)} {plain(roll.by, 70)}  {count}")
    lines += [f"  {answer_line(answer, look, now_ns)}" for answer in roll.answers]
    if roll.silent:
        lines.append(f"  {word('no-answer', look.lang)}: {', '.join(roll.silent)}")
    return lines


def unknown_line(answer: Answer, look: Look, now_ns: int) -> str:
    """An answer to a call that is not known here."""
    about = f"{word('unknown-call', look.lang)} {plain(answer.call_id, 64)}  {answer.area}"
    return f"{about}  {answer_line(answer, look, now_ns)}"


def answer_line(answer: Answer, look: Look, now_ns: int) -> str:
    """One answer."""
    after = "" if answer.after_s is None else f"  +{answer.after_s:.1f} s"
    eta = "" if answer.eta_s is None else f"  {word('eta', look.lang)} {answer.eta_s:g} s"
    late = f"  {word('too-late', look.lang)}" if answer.late else ""
    return (
        f"{clock(answer.received_ns, look, now_ns)}{after}  {answer.gate}  "
        f"{word(answer.state, look.lang)}  {plain(answer.who, 64)}{eta}{late}"
    )
