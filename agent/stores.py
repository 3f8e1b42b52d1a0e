"""What the core keeps on disk: the folder, the outbox, the watchlist, the memory of commands.

Here: a store that cannot be used becomes an issue and something to go on with, never the end.
Not here: what is kept in them (``agent.outbox``, ``agent.watchlist``, ``agent.pipeline.commands``).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from agent.access.badges import Badges
from agent.audit.log import AuditLog
from agent.config.schema.root import Config
from agent.core.clock import NS_PER_S, Clock
from agent.core.errors import StoreError
from agent.core.ports import Counters, Limits
from agent.files.atomic import FolderLock, erase, set_aside
from agent.incidents.keeper import Keeper
from agent.orders import Kept
from agent.outbox.no_store import NoStore
from agent.outbox.outbox import Outbox
from agent.outbox.sealed_store import SealedStore
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.store import SegmentStore
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.statistics import FILE as STATISTICS
from agent.pipeline.switches import Switches
from agent.pipeline.wiping import Wiped
from agent.protection import DAMAGED, open_transforms
from agent.runtime.crash_count import NORMAL_START, Level, Start
from agent.vault import AUDIT_FOLDER, BADGES, CASES, HOTLIST, OUTBOX, WATCHLIST, Vault
from agent.watchlist.closed import ClosedWatchlist
from agent.watchlist.service import Watchlist, load_keys
from agent.watchlist.store import Applied, WatchlistStore

CASES_SEGMENT_BYTES = 256 * 1024
EARLIEST_S = 1_767_225_600  # 2026: a clock in 1970 must not number sessions below earlier ones
UNREADABLE = "outbox.unreadable"
CASES_UNREADABLE = "cases.unreadable"
Issue = Callable[[str, str, str], None]
_T = TypeVar("_T")


class Stores:
    """The gate's files. ``take_folders`` first; ``release`` when everything is closed."""

    def __init__(
        self, config: Config, clock: Clock, issue: Issue, start: Start = NORMAL_START
    ) -> None:
        """*issue* is told the code, the component and the text of what is wrong.

        *start* says what is left out because it may be what crashes.
        """
        self._start = start
        self._config = config
        self._clock = clock
        self._issue = issue
        self._lock = FolderLock(config.node.data_dir)
        self.vault = Vault(config.node.data_dir, issue)
        self.keys = self._tried("trusted-keys", lambda: load_keys(config.node.trusted_keys))

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
        self.vault.open()

    def open_audit(
        self,
        post: Callable[[Callable[[], None]], None],
        on_trouble: Callable[[str, str | None], None],
    ) -> AuditLog:
        """The audit log, at work, with the configuration in force written down."""
        folder, key = self.audit_folder, self.vault.mac_key()
        self.audit_key = key
        self.audit = AuditLog(folder, key, clock=self._clock, post=post, on_trouble=on_trouble)
        self.vault.auditor = self.audit
        self.audit.open()
        self.audit.configured(self._config.sha256)
        return self.audit

    @property
    def audit_folder(self) -> Path:
        """Where the audit log lies."""
        return self._file(AUDIT_FOLDER)

    @property
    def closed(self) -> bool:
        """True in safe mode: what may be what crashes is not read."""
        return self._start.level is not Level.NORMAL

    def issue(self, code: str, component: str, text: str) -> None:
        """Tell what is wrong."""
        self._issue(code, component, text)

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
        config = self._config.outbox
        now_s = max(self._clock.utc_ns() // NS_PER_S, EARLIEST_S)
        store = SegmentStore(
            self._file("outbox"),
            after_damage=now_s,
            on_damage=lambda damage: post(lambda: on_damage(_in_words(damage))),
        )

        def unreadable(text: str) -> None:
            post(lambda: self._issue("outbox-unreadable", OUTBOX, text))

        sealed, upkeep = self._sealed(store, OUTBOX, UNREADABLE, unreadable, post)
        in_memory = self._start.outbox_in_memory
        outbox = Outbox(
            NoStore("safe mode: the gate dies while it opens it") if in_memory else sealed,
            Limits(config.max_events, round(config.event_days * 86_400) * NS_PER_S),
            clock=self._clock,
            post=post,
            on_state=on_state,
            on_counters=on_counters,
            upkeep=upkeep,
        )
        counters = outbox.open() or Counters(now_s, 0, 0)
        self._start.outbox_open()
        self.vault.reseal_by(OUTBOX, outbox.keep_up, later=True)
        return outbox, counters

    def open_keeper(
        self,
        post: Callable[[Callable[[], None]], None],
        on_state: Callable[[bool, str], None],
    ) -> Keeper:
        """Where open incidents, calls, clocks and tasks are kept; open."""

        def told(text: str) -> None:
            post(lambda: self._issue("cases-unreadable", CASES, text))

        store = SegmentStore(
            self._file(CASES),
            on_damage=lambda damage: told(_in_words(damage, CASES)),
            segment_bytes=CASES_SEGMENT_BYTES,
            reserve=1,
        )
        sealed, upkeep = self._sealed(store, CASES, CASES_UNREADABLE, told, post)
        in_memory = self._start.outbox_in_memory
        self._keeper = keeper = Keeper(
            NoStore("safe mode") if in_memory else sealed,
            self._clock,
            on_state,
            post,
            upkeep=upkeep,
        )
        keeper.open()
        self.vault.reseal_by(CASES, keeper.keep_up, later=True)
        return keeper

    def _sealed(
        self,
        store: SegmentStore,
        name: str,
        aside: str,
        unreadable: Callable[[str], None],
        post: Callable[[Callable[[], None]], None],
    ) -> tuple[SealedStore, Callable[[], None]]:
        """*store* under the key of *name*, and what brings all of it under that key."""
        sealed = SealedStore(store, self.vault.seal(name), self._file(aside), unreadable)

        def upkeep() -> None:
            key_id = sealed.reseal()
            if key_id is not None:
                post(lambda: self.vault.finish(name, key_id))

        return sealed, upkeep

    async def open_watchlist(self, on_change: Callable[[Applied], None]) -> Watchlist:
        """The watchlist and the hot list as they were kept; empty when a file is damaged."""
        lists, hot = await self._open_list(WATCHLIST), await self._open_list(HOTLIST)
        node = self._config.node
        seeds = None if self.closed else open_transforms(self.vault, node.data_dir, self._issue)
        return Watchlist(
            lists,
            self.keys,
            node.address,
            self._clock,
            on_change=on_change,
            audit=self.audit,
            hot=hot,
            transforms=seeds,
        )

    async def _open_list(self, name: str) -> WatchlistStore:
        """One list, read beside the loop; a damaged file is moved aside."""
        path, seal = self._file(f"{name}.json"), self.vault.seal(name)
        if self.closed:
            return ClosedWatchlist(path, load=False)
        store = await self._loaded(lambda: WatchlistStore(path, seal=seal))
        store = store or await self._loaded(lambda: WatchlistStore(set_aside(path), seal=seal))
        store = store or WatchlistStore(path, load=False, seal=seal)
        self.vault.reseal_by(name, store.reseal)
        return store

    def open_badges(self) -> Badges:
        """Codes and cards of the people of this gate; closed in safe mode or when damaged."""
        path, seal = self._file("badges.json"), self.vault.seal(BADGES)
        if self.closed:
            return Badges(path, load=False)
        made = self._tried("badges", lambda: Badges(path, seal)) or Badges(path, load=False)
        self.vault.reseal_by(BADGES, made.reseal)
        self._badges = made
        return made

    def open_commands(self) -> Kept:
        """The memory of commands and switches; with a damaged one nothing is obeyed."""
        self._journal = journal = CommandJournal(self._file("commands.json"))
        switches = Switches(self._file("switches.json"))
        if journal.damaged:
            text = f"{journal.path} is damaged; no command is obeyed until it is put right"
            self._issue("commands", "commands", text)
        if switches.damaged:
            text = "switches.json is damaged; faces stay off until the station says otherwise"
            self._issue("switches", "faces", text)
        return Kept(self.keys, journal, switches, self.audit)

    def wiped(
        self,
        watchlist: Callable[[], Watchlist],
        answering: Mapping[str, Callable[[], None]],
        loop: asyncio.AbstractEventLoop,
    ) -> Wiped:
        """What the station's command erases, *answering* by name; *watchlist* is asked for then."""
        stores = {
            WATCHLIST: lambda: watchlist().wipe(),
            HOTLIST: lambda: watchlist().wipe_hot(),
            **answering,
            BADGES: lambda: self._badges.wipe(),
            "commands": lambda: self._journal.wipe(),
            "set-aside": self._erase_set_aside,
        }
        retire = functools.partial(self.vault.retire, "station")
        return Wiped(stores, self._keeper.when_kept, retire, loop.call_later)

    def _erase_set_aside(self) -> None:
        """What was put out of the way unread, drafts of a write that a kill cut short.

        And the statistics of strangers: they are of nobody, and go with the rest all the same.
        """
        for name in (UNREADABLE, CASES_UNREADABLE, STATISTICS, DAMAGED):
            erase(self._file(name))
        for name in (WATCHLIST, HOTLIST):
            erase(self._file(f"{name}.json.damaged"))
            for path in self._config.node.data_dir.glob(f".{name}.json.*.tmp"):
                erase(path)

    async def _loaded(self, make: Callable[[], WatchlistStore]) -> WatchlistStore | None:
        try:
            return await asyncio.to_thread(make)
        except StoreError as error:
            self._issue("watchlist", "watchlist", str(error))
            return None

    def _file(self, name: str) -> Path:
        return self._config.node.data_dir / name

    def _tried(self, code: str, make: Callable[[], _T]) -> _T | None:
        """What *make* makes; a store that cannot be used is an issue, not the end."""
        try:
            return make()
        except StoreError as error:
            self._issue(code, code, str(error))
            return None


def _in_words(damage: Damage, folder: str = OUTBOX) -> str:
    """What became of a damaged log."""
    names = ", ".join(f"{folder}/{name}" for name in damage.names)
    if folder == CASES:
        return f"what goes on at this gate was damaged, see {names}; some of it may be forgotten"
    lost = f"{damage.lost} or more messages" if damage.lost else "some messages"
    return f"the outbox was damaged, see {names}; {lost} that waited may not be sent"
