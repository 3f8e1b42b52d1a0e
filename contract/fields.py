"""A JSON Schema of the contract as rows for people: each field with its type, limits and meaning.

References into ``common`` are followed; one to another schema becomes a link to where that stands.
Here: schemas read as text. Not here: judging bodies (``contract.validate``), the page itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from contract.validate import SCHEMA_ROOT

Schema = Mapping[str, Any]
COMMON = "common"


@dataclass(frozen=True, slots=True)
class Row:
    """One field; ``path`` as in ``data.at.utc`` or ``entries[].reason``. Texts are Markdown."""

    path: str
    required: bool
    type: str
    limits: str
    meaning: str


def load(name: str) -> dict[str, Any]:
    """The schema of that name, references and all."""
    path = resources.files("contract") / "schemas" / f"{name}.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def rows(schema: Schema, above: str = "") -> Iterator[Row]:
    """Every field of an object, those of objects and lists within it after it."""
    required = schema.get("required", ())
    for name, given in schema.get("properties", {}).items():
        yield from _field(f"{above}{name}", given, required=name in required)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from rows(_followed(others), f"{above}*.")


def _field(path: str, given: Schema, *, required: bool) -> Iterator[Row]:
    schema = _followed(given)
    items = _followed(schema.get("items", {}))
    other = _other(given)
    kind = _link(other) if other else _type(schema)
    if "array" in kind:
        other = _other(schema.get("items", {}))
        kind = f"array of {_link(other) if other else _type(items)}" if items else kind
    meaning = schema.get("description", "")
    if other:
        yield Row(path, required, kind, _limits(schema), meaning)
        return
    limits = [_limits(schema), *([f"each {_limits(items)}"] if _limits(items) else [])]
    yield Row(path, required, kind, "; ".join(filter(None, limits)), meaning)
    yield from rows(schema, f"{path}.")
    yield from rows(items, f"{path}[].")


def _other(given: Schema) -> str | None:
    """The schema beside ``common`` that *given* names."""
    name = str(given.get("$ref", "")).removeprefix(f"{SCHEMA_ROOT}:").partition("#")[0]
    return name if name not in ("", COMMON) else None


def _link(name: str) -> str:
    return f"[{name}](#{name})"


def _followed(given: Schema) -> Schema:
    """*given* with what it names laid under it."""
    target = given.get("$ref")
    if target is None:
        return given
    name, _, place = str(target).removeprefix(f"{SCHEMA_ROOT}:").partition("#")
    found: Any = load(name)
    for key in place.split("/")[1:]:
        found = found[key]
    return {**_followed(found), **{key: value for key, value in given.items() if key != "$ref"}}


def _type(schema: Schema) -> str:
    found = schema.get("type")
    if isinstance(found, list):
        return " or ".join(found)
    if found is not None:
        return str(found)
    values = schema.get("enum", [schema.get("const")])
    return "integer" if all(isinstance(value, int) for value in values) else "string"


def _limits(schema: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("format") == "date-time":
        return "RFC 3339, with an offset"
    found = [
        _span(schema, "minimum", "maximum", ""),
        f"above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else "",
        _span(schema, "minLength", "maxLength", " characters"),
        _span(schema, "minItems", "maxItems", " items"),
        f"at most {schema['maxProperties']} names" if "maxProperties" in schema else "",
        "no item twice" if schema.get("uniqueItems") else "",
        f"`{schema['pattern']}`" if "pattern" in schema else "",
    ]
    return "; ".join(filter(None, found))


def _span(schema: Schema, low: str, high: str, unit: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    if least == most:
        return f"{least}{unit}"
    if most is None:
        return f"at least {least}{unit}"
    return f"at most {most}{unit}" if least is None else f"{least} to {most}{unit}"
