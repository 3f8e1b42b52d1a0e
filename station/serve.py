"""``station serve``: receive, store durably, then ack; send what other station commands queued.

One thread does everything in turn, so that *host/state online* means what it says: when the disk
or this program hangs, the connection's keepalive lapses and the broker says that nobody listens.
Decisions are ``station.receive``'s, bytes ``station.mqtt``'s, rows ``station.store``'s.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.core.clock import format_utc
from agent.core.errors import ConfigError, StoreError, UnreachableError
from contract.topics import ROOT, station_subscriptions
from contract.validate import Checked, check_message
from station.mqtt import Link
from station.receive import decide, refused
from station.relays import Relays, Sign
from station.store import Store
from station.values import Delivery, News, Publish, Published, Verdict
from station.word import EVERY_S, HostWord

ACKS_WAITING = 50_000
IDLE_S = 0.1
ACKS_S = 1.0
SAY_EVERY_S = 5.0
STEADY_S = 30.0
QUICK_S = 0.3
ROUNDS = 2
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
LONGEST_STORE_WAIT_S = 5.0

Tell = Callable[[str, dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What serving needs from outside.

    ``link`` makes a connection with a will, each to the next of ``brokers`` addresses; ``sleep``
    returns early when stopped; ``now_ns`` is nanoseconds since 1970, ``monotonic`` seconds,
    ``uniform`` a float in [0, 1); ``sign`` makes a task for the guard at a gate.
    """

    link: Callable[[Publish], Link]
    brokers: int
    tell: Tell
    stopped: Callable[[], bool]
    sleep: Callable[[float], None]
    now_ns: Callable[[], int]
    monotonic: Callable[[], float]
    uniform: Callable[[], float]
    sign: Sign


@dataclass(frozen=True, slots=True)
class _Batch:
    deliveries: Sequence[Delivery]
    checked: Sequence[Checked]


class Server:
    """Serves one station until told to stop."""

    def __init__(self, station: str, store: Store, parts: Parts) -> None:
        self._station = station
        self._store = store
        self._parts = parts
        self._acks: deque[Publish] = deque(maxlen=ACKS_WAITING)
        self._pending: _Batch | None = None
        self._connected_once = False
        self._in_flight: dict[int, int] = {}
        self._unrecorded: dict[int, str | None] = {}
        self._read = 0
        self._changes: tuple[int, int] | None = None
        self._said_s = float("-inf")
        self._word = HostWord()
        self._broker = ""
        self._relays = Relays(station, store, parts.sign, parts.tell)

    def run(self) -> None:
        """Connect, serve, reconnect; returns after ``stopped()`` became true."""
        failures = first = -ROUNDS * self._parts.brokers if self._parts.brokers > 1 else 0
        while not self._parts.stopped():
            began_s = self._parts.monotonic()
            reason = self._one_connection()
            if self._parts.stopped():
                break
            if self._parts.monotonic() - began_s > STEADY_S:
                failures = first
            wait_s = waiting_s(failures, self._parts.uniform())
            failures += 1
            self._parts.tell("disconnected", {"reason": reason, "retry_s": round(wait_s, 1)})
            self._say(connected=False, reason=reason)
            self._parts.sleep(wait_s)
        self._say(connected=False, reason="stopped")
        self._parts.tell("stopped", {})

    def _one_connection(self) -> str:
        """From CONNECT to the end; returns why it ended.

        Certificates that cannot be read end the program at its start; later they may be just being
        renewed, and are read again at the next try.
        """
        try:
            link = self._parts.link(self._host_state(online=False))
        except ConfigError as error:
            if self._connected_once:
                return str(error)
            raise
        self._broker = link.name
        try:
            link.open(station_subscriptions(self._station), self._parts.stopped)
        except UnreachableError as error:
            return str(error)
        self._pending, self._connected_once = None, True
        self._in_flight.clear()
        self._read, self._changes = 0, None
        self._parts.tell("connected", {"broker": self._broker, "mqtt": link.protocol})
        works = self._say(connected=True, reason="")
        self._give_word(link, online=works)
        try:
            self._serve(link, failures=0 if works else 1)
        except UnreachableError as error:
            return str(error)
        finally:
            link.close(self._host_state(online=False))
        return "stopped"

    def _serve(self, link: Link, failures: int) -> None:
        while not self._parts.stopped():
            try:
                if failures:
                    self._store.reopen()
                    self._write_host(connected=True, reason="")
                self._turn(link)
            except StoreError as error:
                self._store_trouble(link, error, failures)
                failures += 1
                continue
            if failures:
                failures = 0
                self._give_word(link, online=True)
                self._parts.tell("store-works", {})

    def _turn(self, link: Link) -> None:
        """One round. The order within is the point: store, then ack, then confirm."""
        if self._pending is None:
            deliveries = link.wait(IDLE_S)
            found = [check_message(d.arrival.topic, d.arrival.payload) for d in deliveries]
            self._pending = _Batch(deliveries, found) if deliveries else None
        if self._pending is not None:
            batch = self._pending
            verdicts = self._stored(batch)
            self._pending = None
            self._acks.extend(v.ack for v in verdicts if v.ack is not None)
            try:
                self._send_acks(link)
            finally:
                link.confirm(batch.deliveries)
            self._report(batch, verdicts)
            if any(delivery.arrival.topic.endswith("/state") for delivery in batch.deliveries):
                self._word.born()
        self._record(link.published())
        self._pump(link)
        now_s = self._parts.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._write_host(connected=True, reason="")
        if self._word.due(now_s):
            self._give_word(link, online=True)

    def _stored(self, batch: _Batch) -> list[Verdict]:
        """Store a batch durably, as one transaction; StoreError when the disk refuses."""
        pairs = list(zip(batch.deliveries, batch.checked, strict=True))
        try:
            with self._store.batch():
                return [self._judge(delivery, checked) for delivery, checked in pairs]
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            self._parts.tell("internal-error", {"reason": repr(error)})
        return [self._stored_alone(delivery, checked) for delivery, checked in pairs]

    def _stored_alone(self, delivery: Delivery, checked: Checked) -> Verdict:
        """Store one message; what makes us fail is kept as malformed."""
        try:
            with self._store.batch():
                return self._judge(delivery, checked)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            verdict = refused(delivery.arrival, checked, f"cannot be stored: {error!r}")
        with self._store.batch():
            self._store.apply((*verdict.writes, *self._relays.heard(verdict)))
        return verdict

    def _judge(self, delivery: Delivery, checked: Checked) -> Verdict:
        verdict = decide(delivery.arrival, checked, self._store, self._station)
        self._store.apply((*verdict.writes, *self._relays.heard(verdict)))
        return verdict

    def _store_trouble(self, link: Link, error: StoreError, failures: int) -> None:
        """Say that nobody listens, and wait before the file is opened anew."""
        wait_s = min(waiting_s(failures, self._parts.uniform()), LONGEST_STORE_WAIT_S)
        self._parts.tell("store-failed", {"reason": str(error), "retry_s": round(wait_s, 1)})
        if not failures:
            self._give_word(link, online=False)
        self._parts.sleep(wait_s)

    def _send_acks(self, link: Link) -> None:
        """Publish what is queued, for as long as the broker takes it swiftly.

        The broker's window may be a tenth of a batch. Acks that waited for later batches would wait
        until no more alarms came, and the gates would meanwhile send all of theirs again.
        """
        until_s = self._parts.monotonic() + ACKS_S
        self._pump(link)
        while self._acks and self._parts.monotonic() < until_s:
            link.settle(ACKS_S / 10)
            self._record(link.published())
            self._pump(link)

    def _record(self, answers: Sequence[Published]) -> None:
        """Note what the broker took of the durable queue."""
        for answer in answers:
            if answer.refusal is not None:
                self._parts.tell("refused", {"reason": answer.refusal})
            if answer.mid in self._in_flight:
                self._unrecorded[self._in_flight.pop(answer.mid)] = answer.refusal
        if not self._unrecorded:
            return
        with self._store.batch():
            self._store.sent(self._unrecorded, self._parts.now_ns())
        for n in self._unrecorded:
            self._parts.tell("sent", {"n": n})
        self._unrecorded.clear()

    def _pump(self, link: Link) -> None:
        """Publish as much as the window takes: first what people queued, then acks."""
        changes = self._store.changes()
        if link.room > 0 and changes != self._changes:
            rows = self._store.outgoing(self._read, link.room)
            for row in rows:
                self._in_flight[link.publish(row.message)] = row.n
                self._read = row.n
            if not rows:
                self._changes = changes
        while self._acks and link.room > 0:
            link.publish(self._acks.popleft())

    def _write_host(self, *, connected: bool, reason: str) -> None:
        """Leave word for ``watch``; also the proof that the disk still takes something."""
        self._said_s = self._parts.monotonic()
        now_ns = self._parts.now_ns()
        with self._store.batch():
            self._store.host(self._broker, connected=connected, reason=reason, at_ns=now_ns)
            self._store.apply(self._relays.over(now_ns))
            self._store.forget_pictures(now_ns)

    def _say(self, *, connected: bool, reason: str) -> bool:
        """As above; False when the disk refuses, which is told."""
        try:
            self._write_host(connected=connected, reason=reason)
        except StoreError as error:
            self._parts.tell("store-failed", {"reason": str(error), "retry_s": SAY_EVERY_S})
            return False
        return True

    def _report(self, batch: _Batch, verdicts: Sequence[Verdict]) -> None:
        for delivery, verdict in zip(batch.deliveries, verdicts, strict=True):
            if verdict.news not in (News.NOTED, News.FILED):
                told: dict[str, object] = {"topic": delivery.arrival.topic, "about": verdict.about}
                self._parts.tell(verdict.news.value, told)

    def _give_word(self, link: Link, *, online: bool) -> None:
        link.publish(self._host_state(online=online))
        self._word.said(self._parts.monotonic())

    def _host_state(self, *, online: bool) -> Publish:
        body: dict[str, object] = {"online": online, "at": format_utc(self._parts.now_ns())}
        if online:
            body["period_s"] = EVERY_S
        payload = json.dumps(body, separators=(",", ":")).encode()
        return Publish(f"{ROOT}/{self._station}/host/state", payload, retain=True)


def waiting_s(failures: int, uniform: float) -> float:
    """Seconds until the next try: doubling up to a cap, half of it random.

    *failures* below 0: the brokers of the cluster are asked in turn, almost without waiting.
    """
    if failures < 0:
        return QUICK_S / 2 + QUICK_S / 2 * uniform
    step = min(FIRST_WAIT_S * 2.0 ** min(failures, 30), LONGEST_WAIT_S)
    return step / 2 + step / 2 * uniform
