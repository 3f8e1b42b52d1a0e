"""``gatehouse station drill|report|bulletin|announce``: options, printing, exit codes.

What the commands do is in ``station.drills``, ``station.reports``, ``station.bulletins``.
"""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.words import Outcome
from station.arguments import By, Dir, Exercise, Gate, Json, Language
from station.lang import Lang, lang_of
from station.terminal import exits, write_json

if TYPE_CHECKING:
    from station.rollcall import Roll

Gates = Annotated[list[str], typer.Argument(help="SITE/NODE, one or more.", metavar="GATE...")]


class Scenario(StrEnum):
    """What a drill rehearses."""

    PANIC = "panic"
    DURESS = "duress"
    MEDICAL = "medical"
    ASSIST = "assist"
    INTRUSION = "intrusion"
    CALL = "call"


def register(app: typer.Typer) -> None:
    """Add the commands to ``gatehouse station``."""
    app.command()(drill)
    app.command()(report)
    app.command()(bulletin)
    app.command()(announce)


@exits
def drill(
    *,
    gates: Gates,
    directory: Dir,
    scenario: Annotated[
        Scenario, typer.Option(help="What is rehearsed. 演练科目")
    ] = Scenario.PANIC,
    for_s: Annotated[
        float, typer.Option("--for", min=1, max=1800, help="Seconds until it ends by itself.")
    ] = 300.0,
    device: Annotated[
        str | None, typer.Option(help="At which input; default: by the seed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Picks the input, always the same.")] = 0,
    drill_id: Annotated[str, typer.Option("--id", help="Its name; default: from the time.")] = "",
    stop: Annotated[str, typer.Option(help="End the drill of that name instead.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end and the reports.")] = False,
    by: By = "",
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """演练: Rehearse an alarm at gates; everything says Exercise, and no door is opened."""
    from station import drills

    if stop:
        drill_id, rows = stop, drills.stop(directory, gates, stop, by)
    else:
        wish = drills.Wish(scenario.value, for_s, seed, drill_id, device, by)
        drill_id, rows = drills.start(directory, gates, wish)
    if not as_json:
        _print_rows(drill_id, rows)
    found = drills.reports(directory, rows, drill_id, 0.0 if stop else for_s) if wait else []
    if as_json:
        told = [_with_rolls(directory, each) for each in found]
        write_json({"drill_id": drill_id, "gates": rows, "reports": told})
    else:
        _print_reports(directory, found, lang)
    if any(row["outcome"] != Outcome.DONE for row in rows):
        raise typer.Exit(1)


@exits
def report(
    *,
    gate: Gate,
    which: Annotated[
        str, typer.Argument(help="incident, drill, month, or how its id starts; none: all.")
    ] = "",
    directory: Dir,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """报告: Show the reports that a gate told: a list, or the newest one of those named."""
    from station import reports

    found = reports.newest(directory, gate, which)
    if as_json:
        told = [{**_with_rolls(directory, each), "intact": reports.intact(each)} for each in found]
        write_json({"reports": told})
    elif which:
        _print_reports(directory, found[-1:], lang)
    else:
        for each in found:
            print(reports.heading(each, lang or lang_of()))


@exits
def bulletin(
    *,
    area: Annotated[str, typer.Argument(help="The area, as gates name it.")],
    directory: Dir,
    text: Annotated[
        str, typer.Option(help="The notice, in English or both languages. 通告内容")
    ] = "",
    text_zh: Annotated[str, typer.Option(help="The same in Chinese. 中文")] = "",
    until: Annotated[
        str, typer.Option(help="2026-11-28T08:00:00+08:00, or how long: 90m, 12h, 7d.")
    ] = "7d",
    bulletin_id: Annotated[str, typer.Option("--id", help="Its name; default: new.")] = "",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="No notice stands any more.")
    ] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="Who was shown it and confirmed it.")
    ] = False,
    exercise: Exercise = False,
    as_json: Json = False,
) -> None:
    """通告: Post a signed notice to the gates of an area; it takes the place of the one before."""
    from station import bulletins

    if seen:
        rows = bulletins.seen(directory, area, bulletin_id)
        _print_all(rows, "{at}  {gate}  {what}  {bulletin_id}  {by}", as_json=as_json)
        return
    if withdraw:
        told = bulletins.withdraw(directory, area)
    else:
        if not text:
            raise typer.BadParameter("give --text, or --withdraw, or --seen", param_hint="--text")
        both = bulletins.Texts(text, text_zh or text)
        wish = bulletins.Wish(area, both, until, bulletin_id, exercise)
        told = bulletins.post(directory, wish)
    _print_all([told], "{topic}: {did}", as_json=as_json)


@exits
def announce(
    *,
    gates: Gates,
    directory: Dir,
    text: Annotated[str, typer.Option(help="What is said, at most 500 characters. 播报内容")],
    lang: Annotated[Lang, typer.Option(help="The language that it is in.")] = Lang.ZH,
    by: By = "",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for each result.")] = 60.0,
    as_json: Json = False,
) -> None:
    """播报: Have a text said by the speakers of gates, and wait until it was."""
    from station import bulletins

    rows = bulletins.announce(directory, gates, {"text": text, "lang": lang.value}, by, wait)
    _print_all(rows, "{gate}: {outcome} {reason}", as_json=as_json)
    if any(row["outcome"] != Outcome.DONE for row in rows):
        raise typer.Exit(1)


def _print_all(rows: list[dict[str, Any]], form: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"rows": rows})
        return
    for row in rows:
        print(form.format(**row))


def _print_rows(drill_id: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        reason = f": {row['reason']}" if row.get("reason") else ""
        print(f"[EXERCISE 演练] {drill_id} {row['gate']}: {row['outcome']}{reason}", flush=True)


def _print_reports(directory: Path, found: list[dict[str, Any]], lang: Lang | None) -> None:
    from station import call_view, reports

    look, now_ns = call_view.look_of(lang), time.time_ns()
    for each in found:
        print(reports.text_of(each, lang or lang_of()))
        for roll in _rolls(directory, each):
            print("\n".join(call_view.roll_lines(roll, look, now_ns)))


def _with_rolls(directory: Path, report: dict[str, Any]) -> dict[str, Any]:
    """The report of a drill in which areas were called, with who answered."""
    from station.rollcall import roll_json

    rolls = [roll_json(roll) for roll in _rolls(directory, report)]
    return {**report, "rolls": rolls} if rolls else report


def _rolls(directory: Path, report: dict[str, Any]) -> list[Roll]:
    from station import call_actions

    calls = report.get("figures", {}).get("calls", {})
    return call_actions.rolls_of(directory, calls.values()) if calls else []
