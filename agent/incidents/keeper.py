"""Keeps the cases of all ways on the disk: one entry of a log for each, replaced in one commit.

Here: the thread that writes, and what was left by an earlier life. The store is the outbox's
(``agent.core.ports.OutboxStore``) in a folder of its own, so a change costs one small append. Not
here: what the cases mean.

A disk that fails stops nothing: everything stands in memory, and what changed is written when the
disk is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.core.clock import Clock, Stamp, stamp
from agent.core.errors import StoreError
from agent.core.ports import Entry, Lane, OutboxStore
from agent.incidents.way import Gap, Way, moved

log = logging.getLogger(__name__)

REOPEN_S = 5.0
READ_AT_ONCE = 500
_STAMP = TypeAdapter(Stamp)


class Keeper:
    """Owns the store. ``open`` before the loop serves; ``keep`` on the loop; ``close`` last."""

    def __init__(
        self,
        store: OutboxStore,
        clock: Clock,
        on_state: Callable[[bool, str], None],
        post: Callable[[Callable[[], None]], None],
        *,
        reopen_s: float = REOPEN_S,
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        """*on_state(ok, reason)* hears on the loop whether changes are stored; *post* gets there.

        *upkeep* is what the store wants done in that thread, at its start and when asked.
        """
        self._store = store
        self._clock = clock
        self._on_state = on_state
        self._post = post
        self._reopen_s = reopen_s
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._left: dict[str, dict[str, tuple[Stamp, bytes]]] = {}
        self._stored: dict[str, str] = {}
        self._number = 0
        self._read = False
        self._changed: dict[str, bytes | None] = {}
        self._writing = False
        self._waiting: list[Callable[[], None]] = []
        self._upkeep = upkeep
        self._upkeep_due = True
        self._wake = threading.Condition()
        self._closing = False
        self._healthy = True
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def open(self) -> None:
        """Read what an earlier life left, and start the thread."""
        try:
            self._open()
        except StoreError as error:
            self._fail(error)
        self._thread.start()

    def resume(self, way: Way[Any], now: Stamp) -> Mapping[str, Any]:
        """The cases of *way* that an earlier life left, moved to this boot's clock.

        What cannot be read is logged and left out.
        """
        adapter = self._adapters[way.name] = TypeAdapter(way.CASE)
        found: dict[str, Any] = {}
        for key, (left, body) in self._left.pop(way.name, {}).items():
            try:
                found[key] = moved(adapter.validate_json(body), Gap(left, now))
            except ValidationError:
                log.exception("a case of %s cannot be read: %s", way.name, key)
        return found

    def keep(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Store the changed cases by way soon, in one write; None for what ended. Never blocks."""
        at = _STAMP.dump_json(stamp(self._clock))
        bodies = {
            f"{way}/{key}": None
            if case is None
            else at + b"\n" + self._adapters[way].dump_json(case)
            for way, cases in changes.items()
            for key, case in cases.items()
        }
        with self._wake:
            self._changed.update(bodies)
            self._wake.notify()

    @property
    def writing(self) -> bool:
        """True while a change is on its way to a disk that works."""
        return self._healthy and (self._writing or bool(self._changed))

    def when_kept(self, done: Callable[[], None]) -> None:
        """Call *done* on the loop once everything that changed so far is durable."""
        with self._wake:
            self._waiting.append(done)
            self._wake.notify()

    def keep_up(self) -> None:
        """Have the store's upkeep done now."""
        with self._wake:
            self._upkeep_due = True
            self._wake.notify()

    def close(self) -> None:
        """Store what changed, then close. Blocks for at most ten seconds."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        self._store.close()

    def _open(self) -> None:
        """Open the store; the first time, read what is in it.

        Where that is later than the start, nobody goes on with it, but it is known to be there.
        """
        self._store.open()
        if not self._read:
            for entry in self._entries():
                self._take(entry)
            self._read = True

    def _entries(self) -> list[Entry]:
        found: list[Entry] = []
        after = 0
        while page := self._store.read(Lane.ALARM, after, READ_AT_ONCE):
            found += [entry for _, entry in page]
            after = page[-1][0]
        return found

    def _take(self, entry: Entry) -> None:
        way, _, key = entry.topic.partition("/")
        head, _, body = entry.body.partition(b"\n")
        try:
            left = _STAMP.validate_json(head)
        except ValidationError:
            log.exception("a kept case cannot be read: %s", entry.topic)
            return
        self._left.setdefault(way, {})[key] = (left, body)
        self._stored[entry.topic] = entry.id
        self._number = max(self._number, entry.seq)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._changed or self._waiting or self._closing or self._upkeep_due):
                    self._wake.wait()
                changed, self._changed = self._changed, {}
                self._writing = bool(changed)
                waiting, self._waiting = self._waiting, []
                closing = self._closing
                upkeep, self._upkeep_due = self._upkeep_due, False
            written = not changed or self._write(changed)
            self._writing = False
            if upkeep:  # after what people did: it may take long
                self._keep_up()
            if written:
                for done in waiting:
                    self._post(done)
            else:
                with self._wake:
                    self._changed = {**changed, **self._changed}
                    self._waiting = [*waiting, *self._waiting]
                    if not closing:
                        self._wake.wait_for(lambda: self._closing, self._reopen_s)
            if closing:
                return

    def _keep_up(self) -> None:
        try:
            if self._healthy:
                self._upkeep()
        except StoreError as error:
            self._fail(error)

    def _write(self, changed: Mapping[str, bytes | None]) -> bool:
        try:
            if not self._healthy:
                self._open()
        except StoreError as error:
            self._fail(error)
            return False
        appended, removed, names = [], [], dict(self._stored)
        for topic, body in changed.items():
            if topic in names:
                removed.append(names.pop(topic))
            if body is not None:
                self._number += 1
                names[topic] = f"{topic}#{self._number}"
                appended.append(
                    Entry(names[topic], Lane.ALARM, self._number, topic, body, self._clock.utc_ns())
                )
        try:
            self._store.write(appended, removed)
        except StoreError as error:
            self._fail(error)
            return False
        self._stored = names
        if not self._healthy:
            self._healthy = True
            self._post(lambda: self._on_state(True, ""))
        return True

    def _fail(self, error: StoreError) -> None:
        self._store.close()
        if self._healthy:
            log.warning("the state of calls, clocks and tasks cannot be kept: %s", error)
        self._healthy = False
        reason = str(error)
        self._post(lambda: self._on_state(False, reason))
