"""One record of the audit log as a value and as its one line. Pure.

A line is JSON with sorted keys and no spaces, in UTF-8. ``hash`` is SHA-256 over the line without
``hash`` and ``mac``; it covers ``prev``, the hash of the record before, so that a change anywhere
changes everything after it. ``mac`` is HMAC-SHA-256 of the hash under the gate's own key ``key``:
whoever edits the file without that key cannot make the chain anew. A record has one spelling: a
line that is not byte for byte what :func:`line_of` makes of it is no record.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import Any

from agent.core.audit import AuditKind, What
from agent.core.clock import Stamp

FIRST_PREV = "0" * 64
MAX_TEXT = 300
MAX_FIELDS = 24
MAX_LINE = 32 * 1024
_FIELDS = {
    "n": int,
    "at": str,
    "synced": bool,
    "boot_id": str,
    "monotonic_ns": int,
    "kind": str,
    "who": str,
    "what": dict,
    "key": str,
    "prev": str,
    "hash": str,
    "mac": str,
}


@dataclass(frozen=True, slots=True)
class MacKey:
    """A gate's own key for the log: ``id`` names it in records, ``secret`` is 32 bytes."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        """Never the secret."""
        return f"MacKey(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class Record:
    """One line. ``at`` is RFC 3339; ``key`` is empty where no key vouches for the record."""

    n: int
    at: str
    synced: bool
    boot_id: str
    monotonic_ns: int
    kind: AuditKind
    who: str
    what: What
    prev: str
    key: str = ""
    hash: str = ""
    mac: str = ""


def sealed(
    number: int, prev: str, at: Stamp, kind: AuditKind, who: str, what: What, key: MacKey | None
) -> Record:
    """The record that follows the one with hash *prev*, hashed and vouched for with *key*."""
    record = Record(
        n=number,
        at=at.utc,
        synced=at.synced,
        boot_id=at.boot_id,
        monotonic_ns=at.monotonic_ns,
        kind=kind,
        who=plain(who),
        what={plain(name): clipped(value) for name, value in list(what.items())[:MAX_FIELDS]},
        prev=prev,
        key=key.id if key else "",
    )
    digest = hash_of(record)
    return replace(record, hash=digest, mac=mac_of(digest, key) if key else "")


def hash_of(record: Record) -> str:
    """What ``hash`` has to be."""
    value = _value(record)
    del value["hash"], value["mac"]
    return hashlib.sha256(_dumps(value)).hexdigest()


def mac_of(digest: str, key: MacKey) -> str:
    """What ``mac`` has to be for a record with the hash *digest*."""
    return hmac.digest(key.secret, digest.encode(), "sha256").hex()


def line_of(record: Record) -> bytes:
    """The record's line, with the newline."""
    return _dumps(_value(record)) + b"\n"


def read_line(line: bytes) -> Record:
    """The record that *line* (with or without its newline) is; ValueError when it is none.

    The hash is not checked here.
    """
    bare = line.removesuffix(b"\n")
    try:
        value: Any = json.loads(bare.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON") from error
    if not isinstance(value, dict) or set(value) != set(_FIELDS):
        raise ValueError("does not have the fields of a record")
    for name, kind in _FIELDS.items():
        if type(value[name]) is not kind:
            raise ValueError(f"has a '{name}' that is no {kind.__name__}")
    if value["kind"] not in set(AuditKind):
        raise ValueError(f"is of no known kind: {value['kind'][:32]!r}")
    record = Record(**{**value, "kind": AuditKind(value["kind"])})
    if _dumps(_value(record)) != bare:
        raise ValueError("is not spelled as records are")
    return record


def plain(text: str) -> str:
    """*text* as a record may hold it: at most 300 characters, all of them encodable."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def clipped(value: str | int | bool) -> str | int | bool:  # noqa: FBT001 - any of the three
    """A value as a record may hold it."""
    return plain(value) if isinstance(value, str) else value


def _value(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _FIELDS}


def _dumps(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
