"""``gatehouse station task``: an order for a guard, signed, sent, and followed if asked.

Here: putting the parts together and using the machine's clock and random. Not here: what a task
looks like (``station.orders``), the queue (``station.desk``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.core.errors import UnreachableError
from contract.topics import Address
from contract.words import Role
from station import documents, keys
from station.desk import POLL_S, Desk
from station.ids import new_id
from station.orders import Task, make_task

SEND_S = 5.0
ENDS = ("done", "declined")
Told = Callable[[dict[str, Any]], None]


def give(
    folder: Path,
    gate: str,
    task: Callable[[Address], Task],
    *,
    valid_s: float,
    wait_s: float,
    told: Told,
) -> dict[str, Any]:
    """The newest status; with *wait_s* once the task has ended. *told* hears every status.

    *task* makes it of the gate's address. UnreachableError when it is not sent, or not answered.
    """
    made = keys.open_station(folder)
    wanted = task(documents.address_of(gate, made.id))
    key = keys.role_key(made, Role.CONFIG)
    task_id = new_id()
    desk = Desk(made.database, time.time_ns)
    try:
        number = desk.send(make_task(wanted, task_id, time.time_ns(), valid_s, key))
        sent = desk.wait(number, SEND_S)
        if sent is None:
            return {"task_id": task_id, "state": "queued", "by": "station"}
        if sent.refusal is not None:
            raise UnreachableError(f"the broker refused it: {sent.refusal}")
        return _follow(desk, wanted, task_id, wait_s, told)
    finally:
        desk.close()


def _follow(desk: Desk, task: Task, task_id: str, wait_s: float, told: Told) -> dict[str, Any]:
    """Every status as it comes, until the task ends or the time is over."""
    topic, seen = task.topic(task_id, "status"), 0
    newest: dict[str, Any] = {"task_id": task_id, "state": "sent", "by": "station"}
    until = time.monotonic() + max(wait_s, SEND_S)
    while time.monotonic() < until:
        for body in (found := desk.papers(topic))[seen:]:
            newest = json.loads(body)
            told(newest)
        seen = len(found)
        if newest["state"] in ENDS or (seen and not wait_s):
            break
        time.sleep(POLL_S)
    return newest
