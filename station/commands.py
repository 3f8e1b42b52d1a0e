"""``gatehouse station send`` of a command: signed, sent, and its result waited for.

Here: putting the parts together and using the machine's clock. Not here: what a command
looks like (``station.orders``), the queue (``station.desk``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agent.core.errors import UnreachableError
from contract.words import CommandName, Outcome
from station import documents, keys
from station.desk import Desk
from station.ids import new_id
from station.orders import Marks, Wanted, make_command, nonce_of
from station.sending import send_or_withdraw

Result = dict[str, object]


def send(
    folder: Path,
    gate: str,
    name: CommandName,
    args: Mapping[str, Any],
    *,
    exercise: bool,
    wait_s: float,
) -> Result:
    """The gate's result; UnreachableError when the command is not sent or not answered.

    A command that ``station serve`` does not send at once is withdrawn: it would come too late.
    """
    made = keys.open_station(folder)
    wanted = Wanted(documents.address_of(gate, made.id), name, args, exercise)
    key = keys.role_key(made, name.role)
    cmd_id = new_id()
    desk = Desk(made.database, time.time_ns)
    try:
        nonce = nonce_of(desk.beat(wanted.gate.base))
        counter = desk.next_counter(wanted.gate.client_id)
        message = make_command(wanted, Marks(cmd_id, counter, time.time_ns(), nonce), key)
        number = desk.send(message)
        send_or_withdraw(desk, number)
        answer = desk.answer(wanted.gate.topic("result", drill=exercise), cmd_id, wait_s)
    finally:
        desk.close()
    if answer is None:
        raise UnreachableError(
            f"sent as number {number}, but {wanted.gate.client_id} did not answer within "
            f"{wait_s:g} s; its result will be stored when it comes (command {cmd_id})"
        )
    result: Result = json.loads(answer)
    return {"gate": wanted.gate.client_id, "name": name.value, **result}


def send_each(
    folder: Path,
    gates: Iterable[str],
    name: CommandName,
    args: Mapping[str, Any],
    *,
    exercise: bool,
    wait_s: float,
    unreached: str = Outcome.UNKNOWN.value,
) -> list[Result]:
    """What each gate answered in turn; one that is not reached keeps none of the others out.

    *unreached* is the outcome told of such a gate.
    """
    results: list[Result] = []
    for gate in gates:
        try:
            told = send(folder, gate, name, args, exercise=exercise, wait_s=wait_s)
        except UnreachableError as error:
            told = {"gate": gate, "name": name.value, "outcome": unreached}
            told |= {"reason": str(error), "proof": None}
        results.append(told)
    return results
