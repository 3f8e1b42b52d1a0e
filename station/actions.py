"""What each station command does, from options to a result that can be printed.

Here: putting the parts together and using the machine's clock and random. Not here: options and
printing (``station.cli``), the parts themselves.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError
from agent.core.hosts import is_loopback
from agent.files.atomic import FolderLock, write_atomic
from contract.join import Place
from contract.signing import content_hash
from contract.words import Document, Role, Stage, Status
from station import documents, keys, sign, watch
from station.call_actions import members
from station.chunks import is_sendable
from station.desk import Desk
from station.lang import Lang, lang_of
from station.look import Look
from station.mqtt import Link
from station.options import (
    Broker,
    Protocol,
    Ring,
    parse_addresses,
    read_login,
    read_tls,
)
from station.orders import make_task
from station.sending import SEND_S, send_or_keep
from station.serve import Parts, Server, Tell
from station.snapshot import Reader
from station.store import Store
from station.terminal import Stop, write_json, write_line
from station.trust.mosquitto import host_name
from station.trust.running import OWN, has_trust, open_trust, running
from station.view import render

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """The broker as a person names it: HOST:PORT, or ``mosquitto`` to run our own.

    Several addresses of a cluster stand with commas between. ``enrol``: the port for gates that
    join or renew; None: as planned with our own broker.
    """

    address: str
    protocol: Protocol
    user: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    enrol: int | None = None


def serve(folder: Path, choice: BrokerChoice, tell: Tell) -> None:
    """Serve until a signal; ConfigError before anything is connected."""
    made = keys.open_station(folder)
    stop, lock = Stop(), FolderLock(folder)
    lock.acquire()
    with ExitStack() as stack:
        stack.callback(lock.release)
        ring = _ring(made, choice, stack, tell)
        store = Store(made.database, made.id)
        stack.callback(store.close)
        parts = Parts(
            link=lambda will: Link(ring.next(), will, time.time_ns),
            brokers=len(ring),
            tell=tell,
            stopped=stop.asked,
            sleep=stop.sleep,
            now_ns=time.time_ns,
            monotonic=time.monotonic,
            uniform=random.SystemRandom().random,
            sign=lambda task, task_id, at_ns, valid_s: make_task(
                task, task_id, at_ns, valid_s, keys.role_key(made, Role.CONFIG)
            ),
        )
        Server(made.id, store, parts).run()


def _ring(made: keys.Station, choice: BrokerChoice, stack: ExitStack, tell: Tell) -> Ring:
    """The brokers to serve on, with what has to run for them entered into *stack*."""
    named = [] if choice.address == OWN else [Place(*at) for at in parse_addresses(choice.address)]
    tls = read_tls(choice.ca, choice.cert, choice.key)
    login = read_login(choice.user, choice.password_file)
    if tls is None and has_trust(made) and not all(is_loopback(place.host) for place in named):
        tls = open_trust(made).tls
    draft = Broker("127.0.0.1", 1, host_name(made.id), choice.protocol, login, tls)
    ring = Ring([replace(draft, host=place.host, port=place.port) for place in named])
    if not named or choice.enrol is not None or has_trust(made):
        trust = stack.enter_context(running(made, named, choice.enrol, tell))
        if not named:
            plan = trust.plan
            return Ring([replace(draft, host=plan.here, port=plan.port, tls=trust.tls)])
    return ring


def ack(folder: Path, alert_id: str, stage: Stage, by: str, gate: str | None) -> Result:
    """Queue a person's ack and wait for it; ``changed`` is False when the stage stood already."""
    desk = Desk(keys.open_station(folder).database, time.time_ns)
    try:
        order = desk.ack(alert_id, stage, by, gate)
        if order.n is not None:
            send_or_keep(desk, order.n)
    finally:
        desk.close()
    found = order.found
    return {
        "alert_id": found.id,
        "stage": found.stage.value,
        "by": found.by,
        "changed": order.n is not None,
    }


def send(folder: Path, gate: str, document: Document, file: Path) -> Result:
    """Queue a signed document for a gate and wait until the broker has it."""
    made = keys.open_station(folder)
    if document is not Document.WATCHLIST:
        raise CheckFailedError(f"this version signs and sends the watchlist only, not {document}")
    address = documents.address_of(gate, made.id)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CheckFailedError(f"{file} cannot be read: {error.strerror}") from error
    key = keys.role_key(made, Role.WATCHLIST)
    body = sign.check_document(data, key)
    messages = documents.desired(address, data, body, key)
    topic = messages[-1].topic
    desk = Desk(made.database, time.time_ns)
    try:
        last = desk.send_all(messages, clear=topic)
        send_or_keep(desk, last, SEND_S + len(messages))
    finally:
        desk.close()
    told: Result = {"topic": topic, "version": body["version"], "hash": content_hash(body)}
    return told | {"chunks": len(messages) - 1}


def sign_watchlist(
    folder: Path,
    file: Path,
    output: Path,
    *,
    status: Status,
    version: int | None,
    node: str,
    allow_empty: bool,
) -> Result:
    """Check and sign a list; nothing is written, and no version used, while a problem stands."""
    made = keys.open_station(folder)
    key = keys.role_key(made, Role.WATCHLIST)
    target = "*" if node == "*" else documents.address_of(node, made.id).client_id
    entries = _checked_entries(file, allow_empty=allow_empty)
    desk = Desk(made.database, time.time_ns)
    try:
        number = desk.next_version(Document.WATCHLIST.value, version)
    finally:
        desk.close()
    at = format_utc(time.time_ns())
    data = sign.make_watchlist(
        entries, key, station=made.id, version=number, node=target, status=status, issued_at=at
    )
    try:
        write_atomic(output, data, mode=0o600)
    except OSError as error:
        raise CheckFailedError(f"{output} cannot be written: {error.strerror}") from error
    about: Result = {"file": str(output), "version": number, "entries": len(entries)}
    document = json.loads(data)
    sendable = is_sendable(document, len(data))
    return about | {
        "hash": content_hash(document),
        "bytes": len(data),
        "sendable": sendable,
        "short_of_photos": sign.short_of_photos(entries),
    }


def hints(told: Mapping[str, Any]) -> list[str]:
    """What a person should know of a list that was signed none the less."""
    lines: list[str] = []
    short = told["short_of_photos"]
    if short:
        named = ", ".join(short[:5]) + (", ..." if len(short) > 5 else "")
        lines = [f"Fewer than three photos: {named}. Three of different days are found far better."]
    if not told["sendable"]:
        size = told["bytes"]
        lines += [f"It is {size} bytes long, with an entry too large to send: import it there."]
    return lines


def watch_station(folder: Path, lang: Lang | None, *, once: bool, as_json: bool) -> None:
    """Show the station until a signal, or once."""
    made = keys.open_station(folder)
    reader = Reader(made.database, made.id, made.name, members(made))
    zone = datetime.now(UTC).astimezone().tzinfo or UTC
    console, language, stop = Console(), lang or lang_of(), Stop()

    def look(width: int) -> Look:
        return Look(language, width, zone)

    def say(line: watch.Line) -> None:
        if as_json:
            write_json(line)
        else:
            write_line(watch.text_line(line, look(console.width), time.time_ns()))

    try:
        if once and as_json:
            write_json(watch.board_line(reader.snapshot(time.time_ns(), watch.KEPT)))
        elif once:
            board = reader.snapshot(time.time_ns(), watch.SHOWN)
            console.print(render(board, look(console.width)))
        elif as_json or not console.is_terminal:
            watch.follow(reader, say, stop.asked, stop.sleep, time.time_ns)
        else:
            watch.live(reader, console, look, stop.asked, stop.sleep, time.time_ns)
    finally:
        reader.close()


def _checked_entries(file: Path, *, allow_empty: bool) -> list[Any]:
    entries = sign.read_entries(file)
    problems = sign.entry_problems(entries, time.time_ns())
    if problems:
        raise CheckFailedError("\n".join(problems))
    if not entries and not allow_empty:
        raise CheckFailedError("the list is empty; --allow-empty signs that all the same")
    return entries
