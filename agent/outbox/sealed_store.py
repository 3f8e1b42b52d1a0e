"""An outbox store whose bodies are sealed: a decorator that works for every store.

Id, lane, number and topic stay plain, because the store orders and finds by them; they are bound to
the body. A stored id tells the key (``{id}.{key}``), so that an entry can be sealed anew by one
write that appends it under its new name and removes the old: no moment without it.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from agent.core.errors import SealedError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits, OutboxStore
from agent.files.sealed import key_of
from agent.files.seals import StoreSeal

log = logging.getLogger(__name__)

SLICE = 200
_KEY_DIGITS = 8
_MARK = "."


class SealedStore:
    """Seals on the way to *inner*, opens on the way back. Used by one thread, as *inner* is."""

    def __init__(
        self,
        inner: OutboxStore,
        seal: StoreSeal,
        aside: Path,
        on_unreadable: Callable[[str], None],
    ) -> None:
        """*aside*: where entries go that are not genuine, one JSON object a line.

        *on_unreadable* is told, in the store's thread, of those and of missing keys.
        """
        self._inner = inner
        self._seal = seal
        self._sealer = seal.sealer
        self._aside = aside
        self._on_unreadable = on_unreadable
        self._missing: dict[str, set[str]] = {}
        self._moved_to = ""

    def open(self) -> Counters:
        """Open the store; StoreError also when there is no key to seal with."""
        self._missing.clear()
        _ = self._sealer.current_id
        return self._inner.open()

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """Append and remove in one durable step."""
        ids = [name for entry_id in removed for name in self._names(entry_id)]
        key_id = self._key_id()
        self._inner.write([self._sealed(entry, key_id) for entry in appended], ids)

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Up to *limit* entries that can be opened, in order."""
        found: list[tuple[int, Entry]] = []
        while len(found) < limit:
            wanted = limit - len(found)
            page = self._inner.read(lane, after, wanted)
            found += self._opened(page)
            if len(page) < wanted:
                break
            after = page[-1][0]
        return found

    def fill(self) -> Fill:
        """How much is held, readable or not."""
        return self._inner.fill()

    def evict(self, limits: Limits, now_utc_ns: int) -> int:
        """Delete events beyond *limits*."""
        return self._inner.evict(limits, now_utc_ns)

    def has_room(self) -> bool:
        """Whether entries can be appended again."""
        return self._inner.has_room()

    def close(self) -> None:
        """Give everything back."""
        self._inner.close()

    def reseal(self) -> str | None:
        """Seal everything anew that is plain or under an older key, in order, slice by slice.

        The id of the key that everything readable is sealed with then; None when there was nothing
        to do. Nothing may be read or appended meanwhile: moved entries stand at the end.
        """
        if self._seal.done:
            return None
        key_id = self._sealer.current_id
        for lane in Lane:
            last = self._last(lane)
            after = 0
            while after < last:
                page = self._inner.read(lane, after, SLICE)
                if not page:
                    break
                after = page[-1][0]
                self._move([row for row in page if row[0] <= last], key_id)
        self._moved_to = key_id
        return key_id

    def _last(self, lane: Lane) -> int:
        after, page = 0, self._inner.read(lane, 0, SLICE)
        while page:
            after = page[-1][0]
            page = self._inner.read(lane, after, SLICE)
        return after

    def _move(self, page: list[tuple[int, Entry]], key_id: str) -> None:
        """Put what is not under *key_id* behind everything else, in order and in one step."""
        opened = self._opened(page)
        stored = {position: entry.id for position, entry in page}
        ids = [stored[position] for position, _ in opened]
        moved = [self._sealed(entry, key_id) for _, entry in opened]
        fresh = [(old, new) for old, new in zip(ids, moved, strict=True) if old != new.id]
        if fresh:
            self._inner.write([new for _, new in fresh], [old for old, _ in fresh])

    def _opened(self, page: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        opened, spoilt = [], []
        for position, entry in page:
            try:
                opened.append((position, self._plain(entry)))
            except SealedError as error:
                if error.key_id:
                    self._note_missing(entry.id, error.key_id)
                else:
                    spoilt.append(entry)
        if spoilt:
            self._set_aside(spoilt)
        return opened

    def _key_id(self) -> str:
        """The key for new entries: the older one until the older entries are moved.

        Whatever is moved later then stands behind what was moved before, and the order holds.
        """
        current = self._sealer.current_id
        if self._seal.done or self._moved_to == current:
            return current
        return next((k for k in self._sealer.known_ids if k != current), current)

    def _sealed(self, entry: Entry, key_id: str) -> Entry:
        body = self._sealer.seal(entry.body, _about(entry), key_id)
        return replace(entry, id=self._name(entry.id, key_id), body=body)

    def _plain(self, stored: Entry) -> Entry:
        if key_of(stored.body) is None and not self._seal.done:
            return stored
        entry = replace(stored, id=stored.id[: -len(_MARK) - _KEY_DIGITS])
        return replace(entry, body=self._sealer.open(stored.body, _about(entry)))

    def _names(self, entry_id: str) -> list[str]:
        """Every id that the entry may be stored under."""
        names = [self._name(entry_id, key_id) for key_id in self._sealer.known_ids]
        return names if self._seal.done else [entry_id, *names]

    def _name(self, entry_id: str, key_id: str) -> str:
        return f"{entry_id}{_MARK}{key_id[:_KEY_DIGITS]}"

    def _note_missing(self, stored_id: str, key_id: str) -> None:
        ids = self._missing.setdefault(key_id, set())
        if stored_id not in ids:
            ids.add(stored_id)
            text = f"{len(ids)} waiting messages are sealed with key {key_id}, which is not here"
            self._on_unreadable(f"{text}; give the key back and they are sent")

    def _set_aside(self, spoilt: list[Entry]) -> None:
        """What is not genuine goes out of the way, and is not destroyed."""
        lines = [json.dumps(_as_json(entry)) + "\n" for entry in spoilt]
        try:
            descriptor = os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("%s cannot be written: %s", self._aside, error)
            return
        self._inner.write([], [entry.id for entry in spoilt])
        text = f"{len(spoilt)} waiting messages are not genuine and are moved to {self._aside.name}"
        self._on_unreadable(text)


def _about(entry: Entry) -> bytes:
    """What is bound to the body: everything else of the entry."""
    about = [entry.id, entry.lane.value, entry.seq, entry.topic, entry.accepted_utc_ns]
    return json.dumps(about).encode()


def _as_json(entry: Entry) -> dict[str, object]:
    body = base64.b64encode(entry.body).decode("ascii")
    return {"id": entry.id, "seq": entry.seq, "topic": entry.topic, "body": body}
