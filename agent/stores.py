"""What the core keeps on disk: the folder, the outbox, the watchlist, the memory of commands.

Here: a store that cannot be used becomes an issue and something to go on with, never the end.
Not here: what is kept in them (``agent.outbox``, ``agent.watchlist``, ``agent.pipeline.commands``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from agent.config.schema.root import Config
from agent.core.clock import NS_PER_S, Clock
from agent.core.errors import StoreError
from agent.core.ports import Counters, Limits
from agent.files.atomic import FolderLock
from agent.outbox.outbox import Outbox
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.store import SegmentStore
from agent.pipeline.commands import CommandGate, Does
from agent.watchlist.service import Watchlist, load_keys
from agent.watchlist.store import Applied, WatchlistStore
from contract.words import CommandName

Issue = Callable[[str, str, str], None]
_T = TypeVar("_T")


class Stores:
    """The gate's files. ``take_folders`` first; ``release`` when everything is closed."""

    def __init__(self, config: Config, clock: Clock, issue: Issue) -> None:
        """*issue* is told the code, the component and the text of what is wrong."""
        self._config = config
        self._clock = clock
        self._issue = issue
        self._lock = FolderLock(config.node.data_dir)
        self._keys = self._tried("trusted-keys", lambda: load_keys(config.node.trusted_keys))

    def take_folders(self) -> None:
        """Own the data folder. One that cannot be written does not stop the gate."""
        node = self._config.node
        for folder in (node.data_dir, node.run_dir):
            with contextlib.suppress(OSError):
                folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except OSError as error:
            self._issue("data-folder", "storage", f"{node.data_dir}: {error}")

    def release(self) -> None:
        """Another agent may have the folder."""
        self._lock.release()

    def open_outbox(
        self,
        post: Callable[[Callable[[], None]], None],
        on_state: Callable[[bool, str], None],
        on_counters: Callable[[Counters], None],
        on_damage: Callable[[str], None],
    ) -> tuple[Outbox, Counters]:
        """The outbox, open, and where counting goes on.

        *on_damage* hears on the loop what was found damaged, now or later.
        """
        config, now_s = self._config.outbox, self._clock.utc_ns() // NS_PER_S
        store = SegmentStore(
            self._file("outbox"),
            after_damage=now_s,
            on_damage=lambda damage: post(lambda: on_damage(_in_words(damage))),
            earlier=self._file("outbox.db"),
        )
        outbox = Outbox(
            store,
            Limits(config.max_events, round(config.event_days * 86_400) * NS_PER_S),
            clock=self._clock,
            post=post,
            on_state=on_state,
            on_counters=on_counters,
        )
        return outbox, outbox.open() or Counters(now_s, 0, 0)

    def open_watchlist(self, on_change: Callable[[Applied], None]) -> Watchlist:
        """The watchlist as it was kept; empty when its file is damaged."""
        path = self._file("watchlist.json")
        store = self._tried("watchlist", lambda: WatchlistStore(path))
        if store is None:
            store = self._tried("watchlist", lambda: WatchlistStore(_aside(path)))
        if store is None:
            store = WatchlistStore(path, load=False)
        address = self._config.node.address
        return Watchlist(store, self._keys, address, self._clock, on_change=on_change)

    def open_commands(self, operations: Mapping[CommandName, Does]) -> CommandGate:
        """The memory of commands; with a damaged one nothing is obeyed."""
        path = self._file("commands.json")
        gate = CommandGate(self._keys, self._config.node.address, self._clock, path, operations)
        if gate.damaged:
            text = f"{path} is damaged; no command is obeyed until it is put right"
            self._issue("commands", "commands", text)
        return gate

    def _file(self, name: str) -> Path:
        return self._config.node.data_dir / name

    def _tried(self, code: str, make: Callable[[], _T]) -> _T | None:
        """What *make* makes; a store that cannot be used is an issue, not the end."""
        try:
            return make()
        except StoreError as error:
            self._issue(code, code, str(error))
            return None


def _in_words(damage: Damage) -> str:
    """What became of a damaged outbox."""
    names = ", ".join(f"outbox/{name}" for name in damage.names)
    lost = f"{damage.lost} or more messages" if damage.lost else "some messages"
    return f"the outbox was damaged, see {names}; {lost} that waited may not be sent"


def _aside(path: Path) -> Path:
    """Move a damaged file aside so that a new one can be started in its place."""
    with contextlib.suppress(OSError):
        path.replace(path.with_name(path.name + ".damaged"))
    return path
