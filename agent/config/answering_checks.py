"""What section ``answering`` cannot know of itself: outputs that are there, people that are known.

Pure, as ``agent.config.crosscheck``, which calls it. Not here: profiles and the calendar
(``agent.config.calendar_checks``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.problems import Finding, suggest
from agent.config.schema.root import Config
from agent.config.yaml12 import Path


def answering_findings(config: Config) -> Iterator[Finding]:
    """Every finding about how calls are answered."""
    yield from _outputs(config)
    yield from _calls(config)
    yield from _hands(config)
    yield from _patrol(config)


def _outputs(config: Config) -> Iterator[Finding]:
    sounding, answering = sounding_of(config), config.answering
    parts = {"tasks": answering.tasks.outputs, "post": answering.post.outputs}
    for part, outputs in parts.items():
        for spot, name in enumerate(outputs):
            at: Path = ("answering", part, "outputs", spot)
            yield from named(name, sounding, at, "siren or beacon")


def _calls(config: Config) -> Iterator[Finding]:
    sounding = sounding_of(config)
    of_rules = {name for rule in config.rules for name in rule.outputs}
    for spot, name in enumerate(config.answering.call_outputs):
        at: Path = ("answering", "call_outputs", spot)
        yield from named(name, sounding, at, "siren or beacon")
        if name in of_rules:
            yield at, f"'{name}' sounds a rule's alarm; answering a call would silence it"


def _hands(config: Config) -> Iterator[Finding]:
    answering = config.answering
    hands = hands_of(config)
    for spot, name in enumerate(answering.post.devices):
        at: Path = ("answering", "post", "devices", spot)
        yield from named(name, [*hands, "command"], at, "answer button or reader")
    used: dict[object, str] = {}
    for name, reader in answering.readers.items():
        at = ("answering", "readers", name)
        if name in (*config.inputs, *config.outputs, *config.cameras):
            yield at, f"the name '{name}' is already used"
        if reader.device in used:
            yield (*at, "device"), f"{reader.device} is already {used[reader.device]}"
        used[reader.device] = name
    if answering.readers and not answering.people:
        yield ("answering", "readers"), "nobody can answer by them: 'people' is empty"


def _patrol(config: Config) -> Iterator[Finding]:
    patrol, hands = config.answering.patrol, [*hands_of(config), "command"]
    for name, point in patrol.points.items():
        for spot, hand in enumerate(point.by):
            at: Path = ("answering", "patrol", "points", name, "by", spot)
            yield from named(hand, hands, at, "answer button or reader")
    own = f"{config.node.site}/{config.node.node}"
    for name, walk in patrol.rounds.items():
        if walk.next == own:
            yield ("answering", "patrol", "rounds", name, "next"), f"{own} is this gate itself"
        for point_name in walk.times:
            at = ("answering", "patrol", "rounds", name, "times", point_name)
            yield from named(point_name, walk.points, at, "point of this round")
        for spot, point_name in enumerate(walk.points):
            at = ("answering", "patrol", "rounds", name, "points", spot)
            yield from named(point_name, patrol.points, at, "patrol point")
            if point_name in walk.points[:spot]:
                yield at, f"'{point_name}' stands twice in this round"


def hands_of(config: Config) -> list[str]:
    """Answer buttons and readers by name."""
    buttons = [n for n, i in config.inputs.items() if i.type == "answer"]
    return [*buttons, *config.answering.readers]


def sounding_of(config: Config) -> list[str]:
    """Sirens and beacons by name."""
    return [n for n, o in config.outputs.items() if o.type in ("siren", "beacon")]


def named(name: str, known: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
    """A finding when nothing bears that name."""
    known = list(known)
    if name not in known:
        yield path, f"there is no {what} '{name}'{suggest(name, known)}"
