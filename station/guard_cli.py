"""``gatehouse station task|challenge|profile``: what a station wants of the guard at a gate.

Here: options, printing, exit codes. What the commands do is in ``station.tasking``,
``station.commands`` and ``station.profiles``, imported when a command runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.words import CommandName
from station.arguments import By, Dir, Exercise, Gate, Json, Reason
from station.terminal import exits, show_answer, write_json

if TYPE_CHECKING:
    from contract.topics import Address
    from station.orders import Task


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command()(task)
    app.command()(challenge)
    app.command()(profile)


@exits
def task(
    *,
    gate: Gate,
    directory: Dir,
    text: Annotated[str, typer.Option(help="What to do.")],
    text_zh: Annotated[str, typer.Option(help="The same in Chinese; default: --text.")] = "",
    where: Annotated[str, typer.Option(help="Id of the place.")] = "",
    due: Annotated[
        float | None, typer.Option(min=1, max=86_400, help="Seconds until it is due.")
    ] = None,
    incident: Annotated[str, typer.Option(help="The incident that it belongs to.")] = "",
    valid: Annotated[
        float, typer.Option(min=1, max=86_400, help="A gate that gets it later leaves it, seconds.")
    ] = 3600.0,
    exercise: Exercise = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Follow it until it ends, at most so many seconds.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """任务: Give the guard at a gate a task; exit 1 when it is declined."""
    from station import orders, tasking

    def made(address: Address) -> Task:
        return orders.Task(address, text, text_zh or text, where, due, incident, exercise)

    def told(status: dict[str, Any]) -> None:
        if wait and not as_json:
            print(_line(status), flush=True)

    status = tasking.give(directory, gate, made, valid_s=valid, wait_s=wait, told=told)
    if as_json:
        write_json(status)
    elif not wait or status["state"] not in tasking.ENDS:
        print(_line(status))
    if status["state"] == "declined":
        raise typer.Exit(1)


@exits
def challenge(
    *,
    gate: Gate,
    directory: Dir,
    reason: Reason = "",
    by: By = "",
    exercise: Exercise = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the result.")] = 30.0,
    as_json: Json = False,
) -> None:
    """查岗: Ask the guard at a gate to prove being there; told as guard.present or guard.absent."""
    from station import commands

    args = {name: value for name, value in {"reason": reason, "by": by}.items() if value}
    name = CommandName.POST_CHALLENGE
    answer = commands.send(directory, gate, name, args, exercise=exercise, wait_s=wait)
    show_answer(answer, as_json=as_json)


@exits
def profile(
    *,
    gate: Gate,
    name: Annotated[
        str, typer.Argument(help="A profile of the gate; none: back to its calendar.")
    ] = "",
    directory: Dir,
    as_json: Json = False,
) -> None:
    """时段模式: Order a profile at a gate, until another order; reported in ~/reported/profile."""
    from station import profiles

    told = profiles.order(directory, gate, name or None)
    if as_json:
        write_json(told)
    else:
        print(f"sent: version {told['version']} to {told['topic']}")


def _line(status: dict[str, Any]) -> str:
    if status["state"] == "queued":
        return f"{status['task_id']} queued: 'gatehouse station serve' sends it when it runs"
    if status["state"] == "sent":
        return f"{status['task_id']} sent; the gate has not answered yet"
    note = f": {status['note']}" if status.get("note") else ""
    at = f" at {status['at']}" if status.get("at") else ""
    return f"{status['task_id']} {status['state']} by {status['by']}{at}{note}"
