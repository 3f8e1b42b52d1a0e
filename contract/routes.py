"""The table of CONTRACT 2: which message a topic carries, with which QoS, retained or not.

Here: topic names read back into rules. Not here: bodies (``contract.validate``), building topics
(``contract.topics``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contract.topics import ID_PATTERN, Address, is_id, parse_gate_topic
from contract.words import CommandName, Document

EVIDENCE = "evidence"
CALL_S = 300
_PART = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_WORDS = {
    "*": _PART,
    "{n}": _NUMBER,
    "{kind}": re.compile("incident|drill|month"),
    "{command}": re.compile("|".join(re.escape(name) for name in CommandName)),
    "{doc}": re.compile("|".join(Document)),
    "{id}": re.compile(ID_PATTERN),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """``schema`` names a file of ``contract/schemas``; evidence is JPEG and has none.

    ``down``: from the station to gates; everything else goes up. ``expiry_s``: how long the broker
    may keep it for a gate that is away; None: for as long as the session lasts.
    """

    schema: str
    qos: int = 1
    retained: bool = False
    down: bool = False
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A topic taken apart: ``gate`` is None for areas and the host; ``rest`` follows ``~``."""

    rule: Rule
    station: str
    gate: Address | None
    rest: tuple[str, ...]
    drill: bool = False


GATE_RULES = {
    "state": Rule("state", retained=True),
    "meta": Rule("meta", retained=True),
    "hb": Rule("hb", qos=0),
    "alert": Rule("alert"),
    "event": Rule("event"),
    "evidence/*/{n}": Rule(EVIDENCE),
    "ack": Rule("ack", down=True),
    "cmd/{command}": Rule("cmd", down=True),
    "result": Rule("result"),
    "desired/watchlist": Rule("watchlist", retained=True, down=True),
    "desired/{doc}": Rule("document", retained=True, down=True),
    "desired/{doc}/{n}": Rule("chunk", retained=True, down=True),
    "reported/{doc}": Rule("reported", retained=True),
    "task/*": Rule("task", down=True),
    "task/*/status": Rule("task-status"),
    "report/{kind}/*": Rule("report"),
    "post": Rule("post", retained=True),
}
STATION_RULES = {
    "host/state": Rule("host-state", retained=True, down=True),
    "area/{id}/call": Rule("area-call", down=True, expiry_s=CALL_S),
    "area/{id}/respond/{id}/{id}": Rule("area-respond"),
    "area/{id}/bulletin": Rule("area-bulletin", retained=True, down=True),
}
NOT_DRILLED = {"state", "meta", "hb", "post"}


def route(topic: str) -> Route | None:
    """What *topic* carries, or None when version 1 has no such topic."""
    gate = parse_gate_topic(topic)
    if gate is not None:
        rule = _find(GATE_RULES, gate.rest)
        if rule is None or (gate.drill and gate.rest[0] in NOT_DRILLED):
            return None
        return Route(rule, gate.address.station, gate.address, gate.rest, gate.drill)
    parts = topic.split("/")
    if len(parts) < 4 or parts[:2] != ["gh", "v1"] or not is_id(parts[2]):
        return None
    rest = tuple(parts[3:])
    rule = _find(STATION_RULES, rest)
    return None if rule is None else Route(rule, parts[2], None, rest)


def expiry_s(topic: str) -> int | None:
    """How long the broker may keep a message of *topic* (MQTT 5); None: without an end."""
    head = topic.split("/", 4)
    if len(head) < 5 or head[3] != "area":
        return None
    found = route(topic)
    return None if found is None else found.rule.expiry_s


def publish_problems(found: Route, *, retained: bool, qos: int | None = None) -> Iterator[str]:
    """What is wrong with how a message was published; *retained* is the publisher's own flag."""
    if retained != found.rule.retained:
        yield "must be retained" if found.rule.retained else "must never be retained"
    if qos is not None and qos != found.rule.qos:
        yield f"has QoS {qos}, not {found.rule.qos}"


def _find(table: dict[str, Rule], parts: tuple[str, ...]) -> Rule | None:
    for pattern, rule in table.items():
        words = pattern.split("/")
        if len(words) == len(parts) and all(map(_fits, words, parts)):
            return rule
    return None


def _fits(word: str, part: str) -> bool:
    pattern = _WORDS.get(word)
    return word == part if pattern is None else pattern.fullmatch(part) is not None
