"""``gatehouse station task``: an order for a guard, signed, sent, and followed if asked.

Here: putting the parts together and using the machine's clock. Not here: what a task
looks like (``station.orders``), the queue (``station.desk``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.topics import Address
from contract.words import Role
from station import documents, keys
from station.desk import Desk
from station.ids import new_id
from station.orders import Task, make_task
from station.sending import is_sent
from station.waiting import POLL_S

FIRST_S = 5.0
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

    *task* makes it of the gate's address. The state is ``queued`` while it is not sent, ``sent``
    while the gate has not answered; UnreachableError when the broker refused it.
    """
    made = keys.open_station(folder)
    wanted = task(documents.address_of(gate, made.id))
    key = keys.role_key(made, Role.CONFIG)
    task_id = new_id()
    desk = Desk(made.database, time.time_ns)
    try:
        number = desk.send(make_task(wanted, task_id, time.time_ns(), valid_s, key))
        if not is_sent(desk, number):
            return {"task_id": task_id, "state": "queued", "by": "station"}
        return _follow(desk, wanted, task_id, wait_s, told)
    finally:
        desk.close()


def _follow(desk: Desk, task: Task, task_id: str, wait_s: float, told: Told) -> dict[str, Any]:
    """Every status as it comes, until the task ends or *wait_s* is over; only the first when 0."""
    topic, seen = task.topic(task_id, "status"), 0
    newest: dict[str, Any] = {"task_id": task_id, "state": "sent", "by": "station"}
    until = time.monotonic() + max(wait_s, FIRST_S)
    while time.monotonic() < until:
        for body in (found := desk.papers(topic))[seen:]:
            newest = json.loads(body)
            told(newest)
        seen = len(found)
        if newest["state"] in ENDS or (seen and not wait_s):
            break
        time.sleep(POLL_S)
    return newest
