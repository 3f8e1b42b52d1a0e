"""``gatehouse station call`` and ``rollcall``: options and printing."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from contract.words import Kind
from station.arguments import Dir, Exercise, Json, Language
from station.lang import word
from station.terminal import exits, write_json, write_line


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command()(call)
    app.command()(rollcall)


@exits
def call(
    *,
    area: Annotated[str, typer.Argument(help="The area, as gates name it.")],
    directory: Dir,
    text: Annotated[str, typer.Option(help="What is wanted, in English or both languages.")],
    text_zh: Annotated[str | None, typer.Option(help="The same in Chinese. 中文")] = None,
    kind: Annotated[
        Kind, typer.Option(help="Why, as the kind of an alert.", metavar="KIND")
    ] = Kind.ASSIST,
    gate: Annotated[str | None, typer.Option(help="SITE/NODE where help is wanted.")] = None,
    where: Annotated[str, typer.Option(help="Id of the place.")] = "",
    exercise: Exercise = False,
    valid: Annotated[float, typer.Option(min=5, max=300, help="Seconds until it is over.")] = 300.0,
    wait: Annotated[float, typer.Option(min=0, max=300, help="Seconds to show answers.")] = 0.0,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """呼叫片区: Call every gate of an area, signed; with --wait show who answers."""
    from station import call_actions, call_view, documents, keys
    from station.area_calls import Call
    from station.rollcall import Answer, Roll, answer_json, roll_json

    address = None
    if gate is not None:
        address = documents.address_of(gate, keys.open_station(directory).id)
    wanted = Call(area, text, text_zh or text, kind.value, where, address, valid, exercise)
    look = call_view.look_of(lang)

    def say(answer: Answer, roll: Roll) -> None:
        if as_json:
            write_json({"event": "answer", "call_id": roll.call_id, **answer_json(answer)})
        else:
            write_line(call_view.answer_line(answer, look, time.time_ns()))

    roll = call_actions.call(directory, wanted, wait, say)
    if as_json:
        write_json({"event": "roll", **roll_json(roll)})
    else:
        write_line("\n".join(call_view.roll_lines(roll, look, time.time_ns())))


@exits
def rollcall(
    *,
    directory: Dir,
    call: Annotated[
        str | None, typer.Argument(help="The call's id, or how it starts; none: the newest.")
    ] = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """点名: Show who answered a call of an area, and when."""
    from station import call_actions, call_view
    from station.rollcall import answer_json, roll_json

    rolls, unknown = call_actions.rollcall(directory, call)
    if as_json:
        strangers = [{"call_id": a.call_id, "area": a.area, **answer_json(a)} for a in unknown]
        write_json({"calls": [roll_json(roll) for roll in rolls], "unknown": strangers})
        return
    look, now_ns = call_view.look_of(lang), time.time_ns()
    lines = [line for roll in rolls for line in call_view.roll_lines(roll, look, now_ns)]
    lines += [call_view.unknown_line(answer, look, now_ns) for answer in unknown]
    write_line("\n".join(lines) or word("no-calls", look.lang))
