"""Parsers of files: what the gate and the station keep, and lists that people give the station.

Whoever has the disk, a card that dies, or a person with an editor may have written any bytes there.
Here: what reads, what it may raise, what it is given.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

from agent.audit.folder import HEAD_NAME, read_head, verify
from agent.audit.record import read_line
from agent.core.clock import NS_PER_S
from agent.core.commands import Order
from agent.core.errors import GatehouseError, StoreError
from agent.files.atomic import AtomicJSONStorage
from agent.files.key_file import Credentials, HeldKey, path_for, read_key, write_key
from agent.files.sealed import KeyRing, Sealer
from agent.identity import request
from agent.outbox.segments import codec
from agent.outbox.segments.index import Index, decode_index, encode_index, tail_of
from agent.outbox.segments.scan import scan
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.switches import Switches
from agent.runtime.crash_count import CrashCount
from agent.watchlist.store import WatchlistStore
from contract.words import CommandName, Role
from station.keys import open_station
from station.options import read_login
from station.sign import check_document, entry_problems, read_entries
from station.trust.files import TrustFiles, read_authority, read_certificate, read_plan
from tests.support.audit import KEY as AUDIT_KEY
from tests.support.audit import chain
from tests.support.parser import Parser, of_file
from tests.support.parsers import AUTHORITY_PEM, CLOCK, ENTRY, GATE_KEY, WATCHLIST, _bundle
from tests.support.samples import entry
from tests.support.seals import KEY
from tests.support.signed import KEYS, watchlist

SEGMENT = 7
SEALER = Sealer(lambda: KeyRing(KEY, {KEY.id: KEY}), "test")


def file_parsers() -> list[Parser]:
    """All of them."""
    return [*_station_files(), *_gate_files()]


# -- files of the station -------------------------------------------------------------------------


def _station_files() -> list[Parser]:
    entries = json.dumps([{**ENTRY, "photos": []}]).encode()
    plan = b'{"hosts":["a.example"],"port":8883,"enrol_port":8884,"bind":"","gate_life_s":1.0}'
    about, ours = b'{"station":"cancheng","name":"x"}', (GatehouseError,)
    key = request.key_pem(GATE_KEY)
    return [
        Parser("list-yaml", of_file("list.yaml", _list), [entries, b"- {entry_id: a}\n"], ours),
        Parser("list-json", of_file("list.json", _list), [entries], ours),
        Parser("signed-list", _signed_list, [_sendable()], ours),
        Parser("plan", of_file("tls/plan.json", lambda p: read_plan(_trust(p))), [plan], ours),
        Parser(
            "station-json", of_file("station.json", lambda p: open_station(p.parent)), [about], ours
        ),
        Parser("login", of_file("pw", lambda p: read_login("u", p)), [b"secret\n"], ours),
        Parser("ca-key", of_file("keys/ca.key", _authority), [key], ours),
        Parser(
            "ca-certificate", of_file("x.pem", read_certificate), [AUTHORITY_PEM], (ValueError,)
        ),
    ]


def _list(path: Path) -> list[str]:
    """As 'station sign' reads it, and what it says of the entries."""
    return entry_problems(read_entries(path), CLOCK.utc_ns())


def _signed_list(data: bytes) -> object:
    return check_document(data, KEYS[Role.WATCHLIST])


def _sendable() -> bytes:
    photo = base64.b64encode(b"\xff\xd8\xff a photo").decode("ascii")
    return watchlist(CLOCK, [{**ENTRY, "photos": [photo]}])


def _trust(path: Path) -> TrustFiles:
    return TrustFiles(path.parent.parent)


def _authority(path: Path) -> object:
    files = _trust(path)
    files.authority.parent.mkdir()
    files.authority.write_bytes(AUTHORITY_PEM)
    return read_authority(files)


# -- files of the gate ----------------------------------------------------------------------------


def _gate_files() -> list[Parser]:
    journal = {"form": 2, "counters": {"cancheng": 3}, "ids": ["cmd-00000001"], "orders": [_row()]}
    lines, store = chain(3, CLOCK), (StoreError,)
    held = b'{"boot_id":"b","unproven":1,"unborn":0,"at_outbox":0,"error":""}'
    return [
        Parser(
            "commands-json",
            of_file("c.json", _journal),
            [json.dumps(journal).encode(), b'{"cancheng":3}'],
        ),
        Parser("switches", of_file("s.json", Switches), [b'{"face_off":true}']),
        Parser("crash-count", of_file("crash.json", lambda p: CrashCount(p, "b")), [held]),
        Parser("watchlist-json", of_file("w.json", _watchlist), [_stored_list()], store),
        Parser("tinydb", of_file("t.json", lambda p: AtomicJSONStorage(p).read()), [held], store),
        Parser("audit-line", read_line, lines, (ValueError,)),
        Parser("audit-log", of_file("audit-000000000001.jsonl", _walk), [b"".join(lines)], store),
        Parser(
            "audit-head",
            of_file(HEAD_NAME, lambda p: read_head(p.parent)),
            [b'{"n":3,"hash":"ab","config":"c"}'],
        ),
        Parser("sealed", _open, [SEALER.seal(b"body", b"about")], store),
        Parser("data-key", of_file(path_for(Path(), 1, KEY).name, _key), [_key_file()], store),
        Parser("segment", _segment, [_segment_bytes()]),
        Parser("segment-index", lambda d: decode_index(d, SEGMENT), [_index_bytes()]),
    ]


def _journal(path: Path) -> None:
    """It is used after it was read: an order is kept and ended."""
    journal = CommandJournal(path)
    order = Order("cmd-00000009", CommandName.REBIRTH, False, "2026-11-21T08:00:00.000Z", {})
    try:
        journal.accept(order, "cancheng", 9)
    except StoreError:
        assert journal.damaged


def _row() -> dict[str, object]:
    return {
        "cmd_id": "cmd-00000001",
        "name": "rebirth",
        "drill": False,
        "accepted_utc": "2026-11-21T08:00:00.000Z",
        "plan": {"door": "side"},
        "outcome": "done",
        "reason": "",
        "proof": {"reborn": True},
        "late_ms": 3,
    }


def _stored_list() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watchlist.json"
        WatchlistStore(path).apply(_bundle(WATCHLIST), CLOCK.utc_ns())
        return path.read_bytes()


def _watchlist(path: Path) -> None:
    """It is used after it was read: what is over goes, and what stands is told."""
    store = WatchlistStore(path)
    store.expire(CLOCK.utc_ns() + 400 * 86_400 * NS_PER_S)
    for applied in store.applied.values():
        json.dumps(applied.told(), ensure_ascii=False).encode()


def _walk(path: Path) -> object:
    return verify(path.parent, [AUDIT_KEY])


def _open(data: bytes) -> bytes:
    return SEALER.open(data, b"about")


def _key(path: Path) -> HeldKey:
    return read_key(path, Credentials())


def _key_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = path_for(Path(folder), 1, KEY)
        write_key(HeldKey(path, KEY, frozenset({"outbox"}), False), Credentials())
        return path.read_bytes()


def _appends() -> list[codec.Record]:
    return [codec.Append(1, entry(1)), codec.Append(2, entry(2)), codec.Remove((1,))]


def _segment_bytes() -> bytes:
    first, one = codec.encode_commit(SEGMENT, codec.SECTOR, codec.Numbers(), _appends())
    second, _ = codec.encode_commit(SEGMENT, one.end, codec.Numbers(), _appends())
    return codec.header(8192) + first + second


def _segment(data: bytes) -> None:
    scan(data, SEGMENT)
    scan(data, SEGMENT, closed=True)
    tail_of(data[-codec.SECTOR :].rjust(codec.SECTOR, b"\0"))


def _index_bytes() -> bytes:
    _, commit = codec.encode_commit(SEGMENT, codec.SECTOR, codec.Numbers(), _appends())
    written = encode_index(SEGMENT, Index(codec.Numbers(), commit.rows, (1,), commit.end))
    return written[-tail_of(written[-codec.SECTOR :]).length :]
