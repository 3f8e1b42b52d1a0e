"""The core program put together: every part is made here, started in one order, stopped in reverse.

Start order: folder lock, outbox, inputs and outputs (from here on panic is live), watchlist, local
socket, vision socket, link, watchers. Nothing later in the order is needed by anything earlier.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from agent.all_ways import Surroundings
from agent.answering import Answering
from agent.config.problems import Problem
from agent.config.schema.root import Config
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import Clock
from agent.core.events import ComponentState, InputChanged
from agent.core.health import HealthBoard
from agent.core.ids import IdSource
from agent.keeping_ops import KeepingOperations
from agent.link.link import Link, LinkEvents
from agent.link.renewal import renewal_for
from agent.link.session import LinkFault
from agent.orders import Hands, Orders
from agent.pipeline import watchers
from agent.pipeline.announcer import Announcer
from agent.pipeline.control import Answers, Control
from agent.pipeline.desired import Desired
from agent.pipeline.dispatch import Dispatcher
from agent.pipeline.inbox import Inbox
from agent.pipeline.local import LocalServer
from agent.pipeline.local_ops import LocalOperations
from agent.pipeline.observer import Observer
from agent.pipeline.presence import Presence
from agent.resident_side import ResidentSide
from agent.runtime.chores import Chores
from agent.runtime.crash_count import NORMAL_START, Start
from agent.runtime.sdnotify import Notifier, watchdog_interval_s
from agent.runtime.tasks import Tasks
from agent.runtime.threads import aside, poster
from agent.runtime.version import VERSION
from agent.stores import Stores
from agent.vision_side import VisionSide
from devices.guard import guard_of
from devices.panel import Panel

log = logging.getLogger(__name__)


class Core:
    """One agent. Made inside a running loop: ``start``, wait for the end, ``stop``."""

    def __init__(
        self,
        config: Config,
        problems: Sequence[Problem],
        clock: Clock,
        start: Start = NORMAL_START,
    ) -> None:
        self._config = config
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._address = config.node.address
        self._ids = IdSource(clock, random.SystemRandom().getrandbits)
        self._notifier = Notifier()
        self._health = HealthBoard()
        self.tasks = Tasks(self._health, clock)
        self._observer = Observer(self._health, clock)
        self._start = start
        self._observer.started(start, problems)
        self._post = poster(self._loop)

    # -- start and stop ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything in order; GatehouseError when the gate cannot be served at all."""
        self._stores = Stores(self._config, self._clock, self._observer.issue, self._start)
        self._open_stores()
        self._build_dispatch()
        self._dispatcher.resume(self._panel.open)
        self._notifier.ready("panic live")
        log.info("panic live, session %d", self._counters.session)
        self._watchlist = await self._stores.open_watchlist(
            lambda new: self._announcer.watchlist_changed(new)
        )
        self._answering.watch(self._watchlist)
        self._build_announcer()
        self._orders.resume()
        await self._open_local()
        self._open_vision()
        self._build_link()
        self._start_tasks()

    async def stop(self) -> None:
        """Stop everything in reverse order; what was accepted is stored before this returns."""
        self._notifier.stopping()
        self._announcer.goodbye()
        self._link.stop()
        await self.tasks.stop()
        self._vision.close()
        await self._local.close()
        self._panel.close()
        self._outbox.close()
        self._answering.close()
        self._audit.close()
        self._stores.release()

    def busy(self) -> bool:
        """True while an incident is open: no moment to end by oneself."""
        return self._book.open_count > 0

    # -- parts, in the order of their start -------------------------------------------------------

    def _open_stores(self) -> None:
        stores = self._stores
        stores.take_folders()
        self._audit = stores.open_audit(self._post, self._observer.audit)
        self._residents = ResidentSide(self._config, stores, self._clock)
        self._outbox, self._counters = stores.open_outbox(
            post=self._post,
            on_state=self._observer.storage,
            on_counters=lambda counters: self._dispatcher.continue_from(counters),
            on_damage=self._observer.outbox_damage,
        )
        self._health.note("outbox", ComponentState.OK)
        told = self._observer.rule_failed
        around = Surroundings(self._config, self._clock, self._ids.new, told, stores)
        self._answering = Answering(around, stores.open_keeper(self._post, self._observer.cases))
        self._book = self._answering.book

    def _build_dispatch(self) -> None:
        config = self._config
        panic = [name for name, item in config.inputs.items() if item.type == "panic"]
        self._watchdog = watchers.Watchdog(
            self._notifier, self._health, self._clock, watchdog_interval_s()
        )
        self._panel = Panel(
            config,
            work_dir=config.node.run_dir,
            clock=self._clock,
            post=self._post,
            later=self._loop.call_later,
            emit=self._input,
            guard=guard_of(config),
            audit=self._audit,
        )
        self._orders = self._build_orders()
        self._dispatcher = Dispatcher(
            rules=self._answering.rules(lambda *entry: self._watchlist.list_of(*entry), panic),
            book=self._book,
            ways=self._answering.ways,
            words=self._answering.words,
            outputs=self._panel,
            outbox=self._outbox,
            health=self._health,
            clock=self._clock,
            ids=self._ids,
            address=self._address,
            counters=self._counters,
            on_probe=self._watchdog.arrived,
            record=self._answering.record,
        )
        self._inbox = Inbox(self._dispatcher.dispatch, panic)
        self._observer.put = self._inbox.put

    def _build_orders(self) -> Orders:
        wipes = {**self._answering.wipes, **self._residents.wipes}
        hands = Hands(
            self._panel,
            self._observer.hear,
            self._loop.call_later,
            announcer=lambda: self._announcer,
            vision=lambda: self._vision.port,
            observer=self._observer,
            wiped=self._stores.wiped(lambda: self._watchlist, wipes, self._loop),
            answering=self._answering.deeds(lambda event: self._dispatcher.dispatch(event)),
        )
        return Orders(self._config, self._stores.open_commands(), hands, self._health, self._clock)

    def _build_announcer(self) -> None:
        session, orders = self._counters.session, self._orders
        pace = self._answering.settings.heartbeat_s
        presence = Presence(self._config, self._clock, session, VERSION, orders, pace)
        self._announcer = Announcer(
            self._address,
            presence,
            self._health,
            self._outbox,
            self._book,
            self._watchlist,
            hello=lambda: self._vision.port.hello,
            audit_head=lambda: self._audit.head,
        )
        self._answering.publisher = self._announcer

    async def _open_local(self) -> None:
        operations = LocalOperations(
            panel=self._panel,
            health=self._health,
            outbox=self._outbox,
            writing=lambda: self._outbox.writing or self._answering.writing,
            book=self._book,
            watchlist=self._watchlist,
            clock=self._clock,
            put=self._observer.hear,
            identity=self._announcer.identity,
            audit=self._audit,
            start=self._start,
        )
        keeping = KeepingOperations(self._stores, self._orders.faces_off).table()
        answering = self._answering.operations(self._observer.hear)
        every = {**operations.table(), **keeping, **answering, **self._residents.table()}
        self._local = LocalServer(self._config.node.run_dir / "control.sock", every)
        try:
            await self._local.open()
        except OSError as error:
            self._observer.issue("local-socket", "local", str(error))

    def _open_vision(self) -> None:
        self._vision = VisionSide(
            self._config,
            self._clock,
            self._observer,
            self._watchlist,
            face_off=lambda: self._orders.face_off,
            models_changed=self._announcer.models_changed,
            offer=self._answering.offer_picture,
        )
        self._vision.open()

    def _build_link(self) -> None:
        address, later = self._address, self._loop.call_later
        hear, outbox = self._observer.hear, self._outbox
        task, profile = self._answering.task, self._answering.profile
        answers = Answers(hear, outbox.acked, outbox.station, task, profile)
        self._desired = Desired(address, self._watchlist, self._announcer, later, aside)
        self._control = Control(address, self._clock, self._orders.gate, self._desired, answers)
        events = LinkEvents(
            birth=self._announcer.birth,
            will=self._announcer.will,
            up=self._link_up,
            down=self._link_down,
            steady=self._observer.link_steady,
            message=self._control.hear,
            freed=self._outbox.pump,
            waiting=lambda: self._outbox.fullness.pending > 0,
            subscribed=self._observer.subscribed,
        )
        backoff = Backoff(BackoffPolicy(), random.random)
        self._link = self._announcer.link = Link(self._config.link, address, backoff, events)

    def _start_tasks(self) -> None:
        start = self.tasks.start
        parts = (self._panel, self._dispatcher, self._outbox, self._clock)
        chores = Chores()
        chores.daily("03:30", "expire watchlist entries", self._watchlist.expire)
        chores.daily("03:40", "forget old audit records", self._audit.forget)
        start("inbox", self._inbox.run, vital=True)
        start("time", lambda: watchers.pass_time(*parts), vital=True)
        start("link", self._link.run)
        if self._config.link.tls is not None:
            to = (self._address, self._link, self._observer.certificate, self._audit)
            start("renewal", renewal_for(self._config.link, *to).run)
        start("panel", lambda: watchers.open_panel(self._panel, self._health, self._clock))
        clock = (self._clock, self._health, self._observer.hear, chores.clock_stepped)
        start("clock", lambda: watchers.watch_clock(*clock))
        start("outbox", lambda: watchers.measure_outbox(self._outbox))
        start("station", lambda: watchers.watch_station(self._control))
        start("watchlist", lambda: watchers.expire_watchlist(self._watchlist))
        start("residents", self._residents.keep)
        start("watchdog", lambda: self._watchdog.run(self._observer.hear))
        start("readers", lambda: self._answering.read_hands(self._observer.hear, self._health))
        start("heartbeat", self._announcer.beat)
        start("chores", chores.run)
        if self._config.cameras:
            start("vision", self._vision.port.run)
        self._observer.link_starts()

    # -- what follows from what -------------------------------------------------------------------

    def _input(self, event: InputChanged) -> None:
        self._inbox.put(event)
        self._orders.doors.hear(event)

    def _link_up(self, where: str) -> None:
        self._observer.link_up(where)
        self._outbox.link_up(self._link)
        self._orders.results.link_up()
        self._answering.link_up()
        self._desired.link_up()
        self._announcer.beat_once()

    def _link_down(self, fault: LinkFault, reason: str) -> None:
        self._outbox.link_lost()
        self._orders.results.link_down()
        self._answering.link_down()
        self._observer.link_down(fault, reason)
