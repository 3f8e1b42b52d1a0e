"""What each station command does, from options to a result that can be printed.

Here: putting the parts together and using the machine's clock and random. Not here: options and
printing (``station.cli``), the parts themselves.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError, UnreachableError
from agent.files.atomic import FolderLock, write_atomic
from contract.signing import content_hash
from contract.words import MAX_MESSAGE_BYTES, Document, Role, Stage, Status
from station import documents, keys, sign, watch
from station.desk import Desk
from station.lang import Lang, lang_of
from station.mqtt import Link
from station.options import Broker, Protocol, Ring, parse_addresses, read_login, read_tls
from station.serve import Parts, Server, Tell
from station.snapshot import Reader
from station.store import Store
from station.terminal import Stop, write_json, write_line
from station.view import Look, render

WAIT_S = 5.0
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """The broker as a person names it; several addresses of a cluster with commas between."""

    address: str
    protocol: Protocol
    user: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


def init(folder: Path, station: str, name: str) -> Result:
    """Make a station; the public keys are in the result."""
    made = keys.init(folder, station, name or station)
    public = {role.value: text for role, text in keys.public_keys(made).items()}
    return {"station": made.id, "trusted_keys": str(made.trusted_keys), "keys": public}


def serve(folder: Path, choice: BrokerChoice, tell: Tell) -> None:
    """Serve until a signal; ConfigError before anything is connected."""
    made = keys.open_station(folder)
    login = read_login(choice.user, choice.password_file)
    tls = read_tls(choice.ca, choice.cert, choice.key)
    ring = Ring(
        [
            Broker(host, port, f"{made.id}.host", choice.protocol, login, tls)
            for host, port in parse_addresses(choice.address)
        ]
    )
    stop, lock = Stop(), FolderLock(folder)
    lock.acquire()
    store = Store(made.database, made.id)
    parts = Parts(
        link=lambda will: Link(ring.next(), will, time.time_ns),
        brokers=len(ring),
        tell=tell,
        stopped=stop.asked,
        sleep=stop.sleep,
        now_ns=time.time_ns,
        monotonic=time.monotonic,
        uniform=random.SystemRandom().random,
    )
    try:
        Server(made.id, store, parts).run()
    finally:
        store.close()
        lock.release()


def ack(folder: Path, alert_id: str, stage: Stage, by: str, gate: str | None) -> Result:
    """Queue a person's ack and wait for it; ``changed`` is False when the stage stood already."""
    desk = Desk(keys.open_station(folder).database, time.time_ns)
    try:
        order = desk.ack(alert_id, stage, by, gate)
        if order.n is not None:
            _await_sent(desk, order.n)
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
    body = sign.check_document(data, keys.role_key(made, Role.WATCHLIST))
    message = documents.desired(address, data, body)
    desk = Desk(made.database, time.time_ns)
    try:
        _await_sent(desk, desk.send(message))
    finally:
        desk.close()
    return {"topic": message.topic, "version": body["version"], "hash": content_hash(body)}


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
    sendable = len(data) <= MAX_MESSAGE_BYTES
    return about | {
        "hash": content_hash(json.loads(data)),
        "bytes": len(data),
        "sendable": sendable,
    }


def watch_station(folder: Path, lang: Lang | None, *, once: bool, as_json: bool) -> None:
    """Show the station until a signal, or once."""
    made = keys.open_station(folder)
    reader = Reader(made.database, made.id, made.name)
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


def _await_sent(desk: Desk, n: int) -> None:
    sent = desk.wait(n, WAIT_S)
    if sent is None:
        raise UnreachableError(
            "stored, but not sent yet: it will be sent when 'gatehouse station serve' runs "
            "and reaches the broker"
        )
    if sent.refusal is not None:
        raise UnreachableError(f"the broker refused it: {sent.refusal}")
