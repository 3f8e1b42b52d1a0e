"""Entries of the watchlist go by an alias in the record of events. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from agent.core.answers import Ordered
from agent.core.events import EntryGone, Event, FaceLead, FaceReview


def entry_of(event: Event) -> str:
    """The entry of the watchlist that *event* is about; empty for none."""
    match event:
        case FaceLead(entry_id=entry) | EntryGone(entry_id=entry):
            return entry
        case FaceReview(lead=lead):
            return lead.entry_id
        case Ordered(args=args):
            return str(args.get("entry_id", ""))
        case _:
            return ""


def alias_of(name: str, salt: bytes) -> str:
    """What stands for *name*; nobody without the salt can tell that it does."""
    return "entry-" + hashlib.blake2b(name.encode(), key=salt, digest_size=6).hexdigest()


def veiled(value: Any, name: str, alias: str) -> Any:
    """*value* with *alias* wherever *name* is a text or a part of one between colons."""
    if isinstance(value, str):
        return ":".join(alias if part == name else part for part in value.split(":"))
    if isinstance(value, Mapping):
        return {veiled(k, name, alias): veiled(v, name, alias) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [veiled(part, name, alias) for part in value]
    return value
