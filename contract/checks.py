"""The rules of the contract that JSON Schema cannot say: one part of a message against another.

Here: pure checks of bodies that may still break their schema. Not here: schemas, signatures.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contract.routes import Route
from contract.words import MAX_MESSAGE_BYTES, Document, Status

MAX_PHOTO_BYTES = 8 * 1024 * 1024
MAX_VALIDITY = timedelta(days=90)
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold, and where. ``tolerable``: a receiver can use the rest."""

    path: str
    text: str
    tolerable: bool = False


def picture(payload: bytes) -> Iterator[str]:
    """Problems of an evidence message: a JPEG of at most 256 KiB."""
    if len(payload) > MAX_MESSAGE_BYTES:
        yield f"is {len(payload)} bytes long, more than {MAX_MESSAGE_BYTES}"
    if not payload.startswith(JPEG):
        yield "is not a JPEG"


def body(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    """Problems of a message on *route* that its schema does not see."""
    yield from _branch(route, value)
    check = _CHECKS.get(route.rule.schema)
    if check is not None:
        yield from check(route, value)


def entry(value: Mapping[str, Any]) -> Iterator[Broken]:
    """Problems of a watchlist entry: who approved it, how long it holds, what its photos are."""
    approvers = value.get("approvers")
    if isinstance(approvers, list):
        names = {name.strip().casefold() for name in approvers if isinstance(name, str)}
        if len(names) < 2 <= len(approvers):
            yield Broken("approvers", "needs two different persons")
    first, last = _moment(value.get("not_before")), _moment(value.get("expires_at"))
    if first is not None and last is not None:
        if last <= first:
            yield Broken("expires_at", "is not after not_before")
        elif last - first > MAX_VALIDITY:
            yield Broken("expires_at", "is more than 90 days after not_before")
    yield from _face("", value)
    others = value.get("not_this_person")
    for number, other in enumerate(others if isinstance(others, list) else []):
        if isinstance(other, Mapping):
            yield from _face(f"not_this_person.{number}.", other)


def _face(path: str, value: Mapping[str, Any]) -> Iterator[Broken]:
    """Problems of photos and templates."""
    for number, photo in enumerate(_texts(value.get("photos"))):
        yield from _photo(f"{path}photos.{number}", photo)
    templates = value.get("templates")
    for number, template in enumerate(templates if isinstance(templates, list) else []):
        vector = template.get("vector") if isinstance(template, Mapping) else None
        data = _decoded(vector) if isinstance(vector, str) else b""
        if data is None or len(data) % 4:
            yield Broken(f"{path}templates.{number}.vector", "is not base64 of float32 values")


def _photo(path: str, text: str) -> Iterator[Broken]:
    data = _decoded(text)
    if data is None:
        yield Broken(path, "is not base64")
    elif not data.startswith((JPEG, PNG)):
        yield Broken(path, "is neither JPEG nor PNG")
    elif len(data) > MAX_PHOTO_BYTES:
        yield Broken(path, f"is {len(data)} bytes long, more than {MAX_PHOTO_BYTES}")


def _branch(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    """A disagreement is tolerable: the receiver takes the message as Actual (CONTRACT 2)."""
    if route.gate is None:
        return
    name = "ghstatus" if route.rule.schema in ("alert", "event") else "status"
    status = value.get(name)
    exercise = status == Status.EXERCISE.value
    if route.drill and not exercise:
        yield Broken(name, f"is {status!r} on the drill branch, not 'Exercise'", tolerable=True)
    if exercise and not route.drill:
        yield Broken(name, "is 'Exercise' outside the drill branch", tolerable=True)


def _source(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    if route.gate is not None and value.get("source") != route.gate.base:
        yield Broken("source", f"is not {route.gate.base}, whose topic this is")


def _command(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    if value.get("name") != route.rest[1]:
        yield Broken("name", f"is not {route.rest[1]}, whose topic this is")
    if route.gate is not None and value.get("node") != route.gate.client_id:
        yield Broken("node", f"is not {route.gate.client_id}, whose topic this is")


def _document(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    if value.get("doc") != route.rest[1]:
        yield Broken("doc", f"is not {route.rest[1]}, whose topic this is")
    if route.gate is not None and value.get("node") not in ("*", route.gate.client_id):
        yield Broken("node", f"is neither * nor {route.gate.client_id}, whose topic this is")
    if value.get("issuer") != route.station:
        yield Broken("issuer", f"is not {route.station}, whose topic this is")


def _chunk(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    if value.get("doc") != route.rest[1]:
        yield Broken("doc", f"is not {route.rest[1]}, whose topic this is")
    if str(value.get("n")) != route.rest[2]:
        yield Broken("n", f"is not {route.rest[2]}, whose topic this is")
    if route.rest[1] == Document.WATCHLIST:
        yield from entries(value)


def _watchlist(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
    yield from _document(route, value)
    yield from entries(value)


def entries(value: Mapping[str, Any]) -> Iterator[Broken]:
    """Problems of the entries of a watchlist: each one's own, and ids that stand twice."""
    found = value.get("entries")
    seen: set[str] = set()
    for number, item in enumerate(found if isinstance(found, list) else []):
        if not isinstance(item, Mapping):
            continue
        for broken in entry(item):
            yield Broken(f"entries.{number}.{broken.path}", broken.text)
        name = str(item.get("entry_id"))
        if name in seen:
            yield Broken(f"entries.{number}.entry_id", f"{name} stands twice")
        seen.add(name)


def _same_id(field: str) -> Callable[[Route, Mapping[str, Any]], Iterator[Broken]]:
    def check(route: Route, value: Mapping[str, Any]) -> Iterator[Broken]:
        expected = route.rest[2] if field == "report_id" else route.rest[1]
        if value.get(field) != expected:
            yield Broken(field, f"is not {expected}, whose topic this is")

    return check


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_CHECKS: Mapping[str, Callable[[Route, Mapping[str, Any]], Iterator[Broken]]] = {
    "alert": _source,
    "event": _source,
    "cmd": _command,
    "document": _document,
    "watchlist": _watchlist,
    "chunk": _chunk,
    "task": _same_id("task_id"),
    "task-status": _same_id("task_id"),
    "report": _same_id("report_id"),
}
