"""What goes on at the gates beside alarms, for the station's screen: tasks and guard posts.

Here: filed messages made into lines. Not here: reading the file (``station.snapshot``), looks
(``station.view``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agent.core.clock import NS_PER_S
from contract.routes import route

ENDED = frozenset({"done", "declined"})
SHOWN_ENDED_NS = 600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Work:
    """A task, or a post: ``state`` is the task's, or ``occupied`` or ``empty``."""

    source: str
    what: str
    id: str
    state: str
    by: str
    note: str
    since: str
    received_ns: int
    drill: bool = False


def work_of(rows: Iterable[tuple[str, bytes, int]], now_ns: int) -> tuple[Work, ...]:
    """The newest word of each post and task, from topic, body and receipt; newest first.

    Tasks that ended are left out after ten minutes.
    """
    newest: dict[str, Work] = {}
    for topic, body, received_ns in sorted(rows, key=lambda row: row[2]):
        found = _line(topic, json.loads(bytes(body)), received_ns)
        if found is not None:
            newest[topic] = found
    shown = [
        work
        for work in newest.values()
        if work.state not in ENDED or now_ns - work.received_ns < SHOWN_ENDED_NS
    ]
    return tuple(sorted(shown, key=lambda work: -work.received_ns))


def _line(topic: str, body: dict[str, Any], received_ns: int) -> Work | None:
    way = route(topic)
    if way is None or way.gate is None:
        return None
    source = way.gate.base
    if way.rule.schema == "post":
        state = "occupied" if body["occupied"] else "empty"
        return Work(source, "post", "", state, body.get("by", ""), "", body["since"], received_ns)
    told = body["task_id"], body["state"], body["by"], body.get("note", ""), body["at"]
    return Work(source, "task", *told, received_ns, way.drill)
