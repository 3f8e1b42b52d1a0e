"""From a readable list of entries to a signed watchlist: reading, checking, signing.

Input is YAML or JSON: a list of entries, ``entries: [...]``, or one entry alone. Every value is a
text; ``photos`` are paths, relative to the input file; one plain ``instruction`` stands for both
languages. The output is the document of ``contract/schemas/watchlist.json``, as canonical JSON
(RFC 8785).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rfc8785
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import parse_utc
from agent.core.errors import CheckFailedError
from contract import checks
from contract.signing import is_signed_by, strict_json
from contract.validate import schema_problems
from contract.words import Document, Role, Status
from station.signed import signed

MAX_INPUT_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32
ASKED_PHOTOS = 3
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024


def read_entries(path: Path) -> list[Any]:
    """The entries of an input file, photos read in; CheckFailedError names every problem."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_INPUT_BYTES:
        raise CheckFailedError(f"{path} is larger than {MAX_INPUT_BYTES} bytes")
    try:
        value = _parse(path, data)
    except (ValueError, OverflowError, yaml.YAMLError, RecursionError) as error:
        raise CheckFailedError(f"{path}: {error}") from error
    found = value.get("entries") if isinstance(value, dict) else value
    if isinstance(value, dict) and "entry_id" in value:
        found = [value]
    if not isinstance(found, list):
        raise CheckFailedError(f"{path} is no list of entries")
    problems: list[str] = []
    entries = [
        _with_photos(path.parent, n, _with_both(item), problems) for n, item in enumerate(found)
    ]
    if problems:
        raise CheckFailedError("\n".join(problems))
    return entries


def entry_problems(entries: list[Any], now_ns: int) -> list[str]:
    """Every problem of every entry, each with the entry's id or place."""
    problems: list[str] = []
    for number, item in enumerate(entries):
        name = _name(number, item)
        found = [str(problem) for problem in schema_problems("watchlist-entry", item)]
        if isinstance(item, dict):
            found += [f"{broken.path}: {broken.text}" for broken in checks.entry(item)]
            found += ["expires_at: is in the past"] if _is_over(item, now_ns) else []
        problems += [f"{name}: {text}" for text in found]
    names = [item["entry_id"] for item in entries if isinstance(item, dict) and "entry_id" in item]
    doubled = sorted({str(name) for name in names if names.count(name) > 1})
    return problems + [f"{name}: entry_id: stands twice" for name in doubled]


def short_of_photos(entries: list[Any]) -> list[str]:
    """Entries with fewer than three photos or templates: with one, far more is missed."""
    counts = {
        _name(number, item): len(item.get("photos") or ()) + len(item.get("templates") or ())
        for number, item in enumerate(entries)
        if isinstance(item, Mapping)
    }
    return [name for name, count in counts.items() if count < ASKED_PHOTOS]


def make_watchlist(
    entries: list[Any],
    key: Ed25519PrivateKey,
    *,
    station: str,
    version: int,
    node: str,
    status: Status,
    issued_at: str,
) -> bytes:
    """The signed document; CheckFailedError when it is still none that the contract allows."""
    body: dict[str, Any] = {
        "doc": Document.WATCHLIST.value,
        "version": version,
        "status": status.value,
        "node": node,
        "issuer": station,
        "role": Role.WATCHLIST.value,
        "issued_at": issued_at,
        "entries": entries,
    }
    if not entries:
        body["empty"] = True
    data = rfc8785.dumps(signed("watchlist", body, key))
    if len(data) > MAX_DOCUMENT_BYTES:
        raise CheckFailedError(f"the document is larger than {MAX_DOCUMENT_BYTES} bytes")
    return data


def check_document(data: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed watchlist read back; CheckFailedError unless it is whole and signed by *key*."""
    try:
        document = strict_json(data, MAX_DOCUMENT_BYTES)
    except (ValueError, RecursionError) as error:
        raise CheckFailedError(f"the document {error}") from error
    problems = [str(p) for p in schema_problems("watchlist", document)]
    problems += [f"{broken.path}: {broken.text}" for broken in checks.entries(document)]
    if not is_signed_by(document, key.public_key()):
        problems.append("sig: is not the signature of this station's watchlist key")
    if problems:
        raise CheckFailedError("\n".join(problems))
    return document


class _Texts(yaml.BaseLoader):
    """YAML whose scalars are texts: no dates, no octal numbers, no tags, no anchors, not deep."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("anchors and aliases are not allowed")
        if self.depth >= MAX_DEPTH:
            raise yaml.YAMLError(f"is nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - yaml's own signature
        keys = [key.value for key, _ in node.value]
        doubled = {str(key) for key in keys if keys.count(key) > 1}
        if doubled:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: {', '.join(sorted(doubled))} stands twice")
        return super().construct_mapping(node, deep=deep)


def _parse(path: Path, data: bytes) -> Any:
    if path.suffix == ".json":
        return strict_json(b'{"entries":' + data + b"}", MAX_INPUT_BYTES + 16)["entries"]
    loader = _Texts(data.decode("utf-8"))
    try:
        value = loader.get_single_data()
    finally:
        loader.dispose()
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    return value


def _with_both(item: Any) -> Any:
    if not isinstance(item, Mapping) or not isinstance(item.get("instruction"), str):
        return item
    return {**item, "instruction": {"en": item["instruction"], "zh": item["instruction"]}}


def _with_photos(folder: Path, number: int, item: Any, problems: list[str]) -> Any:
    if isinstance(item, Mapping) and isinstance(item.get("not_this_person"), list):
        others = [_with_photos(folder, number, o, problems) for o in item["not_this_person"]]
        item = {**item, "not_this_person": others}
    if not isinstance(item, Mapping) or not isinstance(item.get("photos"), list):
        return item
    texts = []
    for place in item["photos"]:
        try:
            data = _photo(folder / str(place))
        except ValueError as error:
            problems.append(f"{_name(number, item)}: photos: {place} {error}")
            continue
        texts.append(base64.b64encode(data).decode("ascii"))
    return {**item, "photos": texts}


def _photo(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(checks.MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(data) > checks.MAX_PHOTO_BYTES:
        raise ValueError(f"is larger than {checks.MAX_PHOTO_BYTES} bytes")
    if not data.startswith((checks.JPEG, checks.PNG)):
        raise ValueError("is neither JPEG nor PNG")
    return data


def _is_over(item: Mapping[str, Any], now_ns: int) -> bool:
    try:
        return parse_utc(str(item.get("expires_at"))) <= now_ns
    except ValueError:
        return False


def _name(number: int, item: Any) -> str:
    named = item.get("entry_id") if isinstance(item, Mapping) else None
    return str(named) if isinstance(named, str) and named else f"entry {number + 1}"
