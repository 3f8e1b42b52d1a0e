"""Notices and announcements from the station: what is signed, what is sent, who saw it.

Here: ``gatehouse station bulletin`` and ``announce``. Not here: commands' signing and queueing
(``station.commands``), what gates do with them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.clock import NS_PER_S, format_utc, parse_utc
from agent.core.errors import ConfigError
from contract.words import CommandName, Role, Status
from station import commands, documents, keys
from station.desk import Desk
from station.ids import new_id
from station.sending import send_or_keep
from station.signed import signed
from station.tables import reading
from station.values import Publish, gate_name

_LONG = re.compile(r"(\d{1,4})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Texts:
    """The notice in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be posted. ``until``: a time with an offset, or how long, as in ``7d``."""

    area: str
    text: Texts
    until: str
    bulletin_id: str = ""
    exercise: bool = False


def post(folder: Path, wish: Wish) -> Row:
    """Sign it with the key of role ``config`` and have it sent; it stands at the broker."""
    made = keys.open_station(folder)
    now_ns = time.time_ns()
    body: dict[str, Any] = {
        "bulletin_id": wish.bulletin_id or new_id(),
        "area": wish.area,
        "issuer": made.id,
        "role": Role.CONFIG.value,
        "issued_at": format_utc(now_ns),
        "expires_at": format_utc(until_ns(wish.until, now_ns)),
        "text": {"en": wish.text.en, "zh": wish.text.zh},
        "status": (Status.EXERCISE if wish.exercise else Status.ACTUAL).value,
    }
    document = signed("area-bulletin", body, keys.role_key(made, Role.CONFIG))
    topic = documents.area_topic(made.id, wish.area, "bulletin")
    payload = json.dumps(document, ensure_ascii=False).encode()
    _send(made.database, Publish(topic, payload, retain=True))
    did = f"notice {body['bulletin_id']} stands until {body['expires_at']}"
    told = {"topic": topic, "bulletin_id": body["bulletin_id"], "expires_at": body["expires_at"]}
    return {**told, "did": did}


def withdraw(folder: Path, area: str) -> Row:
    """No notice stands for *area* any more."""
    made = keys.open_station(folder)
    topic = documents.area_topic(made.id, area, "bulletin")
    _send(made.database, Publish(topic, b"", retain=True))
    return {"topic": topic, "did": "withdrawn"}


def seen(folder: Path, area: str, bulletin_id: str = "") -> list[Row]:
    """Which gates were shown the notices of *area*, confirmed them or refused them, by time."""
    made = keys.open_station(folder)
    query = "SELECT body FROM messages WHERE channel='event' AND kind LIKE 'bulletin.%' ORDER BY n"
    with reading(made.database) as db:
        events = [json.loads(row[0]) for row in db.execute(query)]
    found = [_seen(event) for event in events if event["data"]["details"]["area"] == area]
    return [row for row in found if bulletin_id in ("", row["bulletin_id"])]


def announce(
    folder: Path, gates: Sequence[str], args: Mapping[str, Any], by: str, wait_s: float
) -> list[Row]:
    """Have it said at each gate in turn: what each answered."""
    given = {**args, "by": by} if by else args
    name = CommandName.ANNOUNCE
    return commands.send_each(folder, gates, name, given, exercise=False, wait_s=wait_s)


def until_ns(text: str, now_ns: int) -> int:
    """When a notice ends; ConfigError when *text* says no time that is to come."""
    long = _LONG.fullmatch(text)
    if long is not None:
        return now_ns + int(long[1]) * _SECONDS[long[2]] * NS_PER_S
    try:
        found_ns = parse_utc(text)
    except ValueError as error:
        raise ConfigError(
            f"--until {text!r}: give a time with an offset, or 90m, 12h, 7d"
        ) from error
    if found_ns <= now_ns:
        raise ConfigError(f"--until {text!r} is past: give a time to come")
    return found_ns


def _send(database: Path, message: Publish) -> None:
    desk = Desk(database, time.time_ns)
    try:
        send_or_keep(desk, desk.send(message))
    finally:
        desk.close()


def _seen(event: Mapping[str, Any]) -> Row:
    details = event["data"]["details"]
    return {
        "at": event["time"],
        "gate": gate_name(event["source"]),
        "what": str(event["type"]).removeprefix("gatehouse.event.bulletin."),
        "bulletin_id": details["bulletin_id"],
        "by": details.get("by", details.get("reason", "")),
    }
