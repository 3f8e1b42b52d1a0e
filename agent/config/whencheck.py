"""What is wrong with the conditions of a site's own rules (``type: custom``), to the character.

Pure, like ``agent.config.crosscheck``, which asks it. Here: the words that this gate's
configuration makes known. Not here: the expressions themselves (``agent.config.expressions``).
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.expressions import EVENTS, Words, faults_of
from agent.config.problems import Spot
from agent.config.schema.root import Config
from agent.config.schema.rules import CustomRule
from agent.config.schema.when import MOST_PARTS
from agent.config.yaml12 import Path
from agent.core.events import CameraState, InputState
from contract.words import Stage

OWN_DEVICES = ("outbox", "clock", "link", "station")
OTHER_STATES = ("ok", "bad", "up", "down", "online", "offline", "synced", "unsynced")


def when_rules(config: Config) -> Iterator[Spot]:
    """Every finding about the conditions of *config*."""
    words = words_of(config)
    for index, rule in enumerate(config.rules):
        if not isinstance(rule, CustomRule):
            continue
        at: Path = ("rules", index, "when")
        texts = list(rule.when.texts())
        if len(texts) > MOST_PARTS:
            yield Spot(at, "", 0, f"has {len(texts)} expressions; at most {MOST_PARTS}")
        for path, text in texts:
            for fault in faults_of(text, words):
                yield Spot((*at, *path), text, fault.offset, fault.message)


def words_of(config: Config) -> Words:
    """What the text fields of an event can be at the gate of *config*."""
    inputs, cameras = config.inputs, config.cameras
    items = [*inputs.values(), *cameras.values()]
    values = {
        "event": EVENTS,
        "device": {*inputs, *cameras, *config.access.doors, *OWN_DEVICES},
        "type": {*(item.type for item in inputs.values()), "camera"},
        "where": {*(item.where for item in items), config.node.node},
        "state": {*InputState, *CameraState, *Stage, *OTHER_STATES},
    }
    missing = {
        "event": "kind of event",
        "device": "device",
        "type": "input of type",
        "where": "place",
        "state": "state",
    }
    return Words(values, missing)
