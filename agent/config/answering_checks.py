"""What section ``answering`` cannot know of itself: outputs that are there, people that are known.

Pure, as ``agent.config.crosscheck``, which calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.problems import suggest
from agent.config.schema.root import Config
from agent.config.yaml12 import Path

Finding = tuple[Path, str]


def answering_findings(config: Config) -> Iterator[Finding]:
    """Every finding about how calls are answered."""
    yield from _outputs(config)
    yield from _hands(config)


def _outputs(config: Config) -> Iterator[Finding]:
    sounding = [n for n, o in config.outputs.items() if o.type in ("siren", "beacon")]
    answering = config.answering
    parts = {"tasks": answering.tasks.outputs, "post": answering.post.outputs}
    for part, outputs in parts.items():
        for spot, name in enumerate(outputs):
            at: Path = ("answering", part, "outputs", spot)
            yield from named(name, sounding, at, "siren or beacon")


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


def hands_of(config: Config) -> list[str]:
    """Answer buttons and readers by name."""
    buttons = [n for n, i in config.inputs.items() if i.type == "answer"]
    return [*buttons, *config.answering.readers]


def named(name: str, known: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
    """A finding when nothing bears that name."""
    known = list(known)
    if name not in known:
        yield path, f"there is no {what} '{name}'{suggest(name, known)}"
