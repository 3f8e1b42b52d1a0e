"""``contract/asyncapi.yaml`` read: its topics and messages as values, references followed.

``python -m contract.asyncapi`` prints the whole contract as one JSON document without references
to other files, for tools that follow none. Not here: judging messages (``contract.validate``),
pages for people (``contract.document``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

from contract.validate import whole_schema

FILE_NAME = "asyncapi.yaml"
Action = Literal["send", "receive"]


@dataclass(frozen=True, slots=True)
class Example:
    """A whole message; ``file`` is its name in ``contract/examples``."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of message; ``schema`` names a file of ``contract/schemas``, None for bytes."""

    key: str
    title: str
    summary: str
    description: str
    content_type: str
    schema: str | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic. ``action`` is the gate's; ``expiry_s`` and ``reply`` (a channel) where it has one.

    ``parameters`` are the names in the braces of ``address``, as the channel declares them.
    """

    key: str
    address: str
    parameters: tuple[str, ...]
    message: Message
    action: Action
    qos: int
    retained: bool
    expiry_s: int | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may stand in a topic in place of ``{name}``; ``words`` is empty where any id may."""

    name: str
    description: str
    words: tuple[str, ...]
    example: str


@cache
def document() -> dict[str, Any]:
    """The file as it stands."""
    text = (resources.files("contract") / FILE_NAME).read_text(encoding="utf-8")
    value: dict[str, Any] = yaml.safe_load(text)
    return value


def bundle() -> Any:
    """The document with every reference to another file replaced by what it names."""
    return _without_files(document())


def channels() -> tuple[Channel, ...]:
    """Every topic, in the order of the file; each has exactly one operation and one message."""
    return tuple(map(_channel, document()["operations"].values()))


def messages() -> tuple[Message, ...]:
    """Every kind of message, in the order of the file."""
    found = document()["components"]["messages"]
    return tuple(_message(key, about) for key, about in found.items())


def parameters() -> tuple[Parameter, ...]:
    """Everything that stands in braces in a topic."""
    found = document()["components"]["parameters"]
    return tuple(
        Parameter(name, about["description"], tuple(about.get("enum", ())), about["examples"][0])
        for name, about in found.items()
    )


def references(value: Any) -> Iterator[str]:
    """Every ``$ref`` within *value*."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _channel(operation: Mapping[str, Any]) -> Channel:
    place = operation["channel"]["$ref"]
    about = _local(place)
    ((key, message),) = about["messages"].items()
    mqtt = _followed(operation["bindings"])["mqtt"]
    reply = operation.get("reply")
    return Channel(
        key=_last(place),
        address=about["address"],
        parameters=tuple(about["parameters"]),
        message=_message(key, _followed(message)),
        action=operation["action"],
        qos=mqtt["qos"],
        retained=mqtt["retain"],
        expiry_s=mqtt.get("messageExpiryInterval"),
        reply=None if reply is None else _last(reply["channel"]["$ref"]),
    )


def _message(key: str, about: Mapping[str, Any]) -> Message:
    file = about["payload"].get("$ref")
    return Message(
        key=key,
        title=about["title"],
        summary=about["summary"],
        description=about.get("description", ""),
        content_type=about.get("contentType", document()["defaultContentType"]),
        schema=None if file is None else _stem(file),
        examples=tuple(
            Example(example["name"], _last(example["payload"]["$ref"]))
            for example in about.get("examples", ())
        ),
    )


def _followed(value: Any) -> Any:
    return _local(value["$ref"]) if "$ref" in value else value


def _local(place: str) -> Any:
    found: Any = document()
    for part in place.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _without_files(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_files(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref", "#")
    if target.startswith("schemas/"):
        return whole_schema(_stem(target))
    if target.startswith("examples/"):
        return json.loads((resources.files("contract") / target).read_text(encoding="utf-8"))
    return {key: _without_files(inner) for key, inner in value.items()}


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    return _last(path).removesuffix(".json")


if __name__ == "__main__":
    json.dump(bundle(), sys.stdout, ensure_ascii=False, indent=1)
