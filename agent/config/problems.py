"""What is wrong with a configuration, in words that say what to do.

Here: the ``Problem`` value and the translation of pydantic's findings. Not here: the checks
across sections (``agent.config.crosscheck``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from agent.config.yaml12 import Document, Path
from agent.core.secret import HIDDEN, names_secret, scrub

MAX_SHOWN = 80


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding. Sorts by place. ``str()`` is ``file:line:column: path: message``."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Spot:
    """A finding about character *offset* of the text at *path*."""

    path: Path
    text: str
    offset: int
    message: str


Finding = tuple[Path, str] | Spot


def problem(file: str, document: Document, path: Path, message: str) -> Problem:
    """A finding about the key or value at *path* of *document*."""
    place = document.nearest(path)
    return Problem(file, place.line, place.column, show_path(path), message)


def show_path(path: Iterable[str | int]) -> str:
    """``('cameras', 'a', 'mask', 0)`` as ``cameras.a.mask[0]``; the whole file as ``(file)``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(file)"


def suggest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` or ``''``."""
    import difflib  # noqa: PLC0415 - a file without mistakes never needs it

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def from_pydantic(
    error: ErrorDetails, file: str, document: Document, model: type[BaseModel]
) -> Problem:
    """One of pydantic's findings as a :class:`Problem`."""
    path = _real_path(error["loc"], document.value)
    message = _message(error, path, model)
    given = error.get("input")
    if names_secret(path) and isinstance(given, str | int | float):
        message = message.replace(_show(given), HIDDEN).replace(str(given), HIDDEN)
    return problem(file, document, path, scrub(message))


def _real_path(loc: tuple[str | int, ...], value: object) -> Path:
    """*loc* without the union tags that pydantic puts between the keys of the file."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(value, Mapping) and isinstance(part, str):
            if part in value or last:
                path.append(part)
                value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            path.append(part)
            value = value[part] if part < len(value) else None
    return tuple(path)


def _message(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    shown = _show(given)
    if kind == "extra_forbidden":
        return f"unknown key{suggest(str(path[-1]), _known_keys(error['loc'], model))}"
    if kind == "union_tag_not_found":
        return f"'type' is missing; it must be one of {_known_tags(error['loc'], model)}"
    if kind == "union_tag_invalid":
        expected = str(context.get("expected_tags"))
        tag = str(context.get("tag"))
        known = [word.strip("' ") for word in expected.split(",")]
        return f"type '{tag}' is not known{suggest(tag, known)} (one of {expected})"
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected"))
        known = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
        return f"must be {expected}, not {shown}{suggest(str(given), known)}"
    template = _MESSAGES.get(kind)
    if template is None:
        return error["msg"]
    return template.format(shown=shown, **{k: _plain(v) for k, v in context.items()})


_MESSAGES = {
    "missing": "is missing",
    "int_type": "must be a whole number, not {shown}",
    "int_from_float": "must be a whole number, not {shown}",
    "float_type": "must be a number, not {shown}",
    "string_type": "must be text, not {shown}",
    "bool_type": "must be true or false, not {shown}",
    "list_type": "must be a list, not {shown}",
    "dict_type": "must be a mapping of keys to values, not {shown}",
    "model_type": "must be a mapping of keys to values, not {shown}",
    "model_attributes_type": "must be a mapping of keys to values, not {shown}",
    "is_instance_of": "must be a path, not {shown}",
    "greater_than": "must be more than {gt}, not {shown}",
    "greater_than_equal": "must be at least {ge}, not {shown}",
    "less_than": "must be less than {lt}, not {shown}",
    "less_than_equal": "must be at most {le}, not {shown}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} item(s), not {actual_length}",
    "too_long": "must have at most {max_length} items, not {actual_length}",
    "string_pattern_mismatch": "{shown} does not have the form {pattern}",
    "value_error": "{error}",
}


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _show(given: object) -> str:
    if isinstance(given, Mapping):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    shown = "nothing" if given is None else repr(given)
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"


def _known_keys(loc: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    """The keys that are allowed where *loc* points, read from the model's JSON Schema."""
    root = model.model_json_schema()
    here: Any = root
    for part in loc[:-1]:
        here = _step(here, part, root)
    return list(_resolve(here, root).get("properties", {}))


def _known_tags(loc: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """The values that ``type`` may have where *loc* points."""
    root = model.model_json_schema()
    here: Any = root
    for part in loc:
        here = _step(here, part, root)
    return ", ".join(f"'{tag}'" for tag in _resolve(here, root)["discriminator"]["mapping"])


def _resolve(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    for branch in schema.get("anyOf", ()):
        if branch.get("type") != "null":
            return _resolve(branch, root)
    return dict(schema)


def _step(schema: Any, part: str | int, root: Mapping[str, Any]) -> Any:
    schema = _resolve(schema, root)
    if isinstance(part, int):
        return schema.get("items", {})
    if "discriminator" in schema:
        return {"$ref": schema["discriminator"]["mapping"].get(part, "")}
    patterns = schema.get("patternProperties", {}).values()
    known = schema.get("properties", {}).get(part)
    return known or next(iter(patterns), None) or schema.get("additionalProperties") or {}
