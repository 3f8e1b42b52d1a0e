"""Parsers that bytes from a network, another program or a stick reach, with good examples.

Here: what reads, what it may raise, what it is given. ``tests.property.test_parsers`` and
``tests.tools.fuzz`` change the examples; the table for people stands in docs/security.md.
Not here: files of gate and station (``tests.support.file_parsers``), sockets and whole programs
(``tests/e2e/test_fuzz_*``), pictures: they need libraries that the core does not have.
"""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import resources

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, decode_index, encode_index
from agent.config.load import parse
from agent.config.yaml12 import read
from agent.core.clock import ManualClock
from agent.core.errors import GatehouseError, RefusedError
from agent.core.events import CameraState
from agent.identity import request
from agent.pipeline.command_checks import read_asked
from agent.watchlist.bundle import Bundle, read_bundle
from agent.watchlist.gathering import Gathering
from agent.watchlist.manifest import is_chunked, read_manifest
from contract.join import (
    HEADER_BYTES,
    MAX_QUESTION_BYTES,
    JoinToken,
    Papers,
    Place,
    body_length,
    pack,
    read_token,
    unpack,
)
from contract.signing import read_trusted_keys, strict_json
from contract.validate import check_message
from devices import capture_wire as capture
from station.trust.authority import issue_client, read_request, request_name
from station.trust.files import public_pem
from tests.support.chunks import chunk, manifest
from tests.support.parser import Parser, text_of
from tests.support.samples import ADDRESS, GATE_YAML
from tests.support.signed import TRUSTED, command, listed, to_bytes, watchlist
from tests.support.trust import AUTHORITY, GATE, NOW, trusted_json

CLOCK = ManualClock()
ENTRY = listed(CLOCK)
PART = chunk(1, [ENTRY])
MANIFEST = manifest(CLOCK, [PART], 1)
WATCHLIST = watchlist(CLOCK, [ENTRY])
COMMAND = to_bytes(command(CLOCK))
TOPICS = ("alert", "event", "hb", "meta", "state", "ack", "result", "reported/watchlist", "post")
_FOLDER = resources.files("contract") / "examples"
EXAMPLES = tuple(sorted(f.read_bytes() for f in _FOLDER.iterdir() if f.name.endswith(".json")))
REQUEST_PEM = request.make_request(request.make_key(), GATE)
GATE_KEY = request.make_key()
GATE_PEM = public_pem(
    issue_client(AUTHORITY, GATE_KEY.public_key(), GATE.client_id, NOW, timedelta(days=30))
)
AUTHORITY_PEM = public_pem(AUTHORITY.certificate)
TOKEN = JoinToken(GATE, "station.example.net", 8884, bytes(32), bytes(range(20))).text().encode()
PAPERS = json.dumps(
    Papers(
        GATE,
        GATE_PEM.decode(),
        AUTHORITY_PEM.decode(),
        trusted_json(),
        (Place("station.example.net", 8883),),
        (Place("192.0.2.7", 8884),),
        ("west",),
    ).to_json()
).encode()


def parsers() -> list[Parser]:
    """All of them."""
    return [*_from_the_wire(), *_at_the_border(), *_carried()]


# -- what comes over a network --------------------------------------------------------------------


def _from_the_wire() -> list[Parser]:
    refused = (RefusedError,)
    lists = [WATCHLIST, watchlist(CLOCK, [])]
    questions = [pack({"op": op, "secret": "AAAA", "request": "x"}) for op in ("join", "renew")]
    return [
        Parser("strict-json", lambda d: strict_json(d, 1 << 20), EXAMPLES, (ValueError,)),
        Parser("command", read_asked, [COMMAND, *_named("cmd")], refused),
        Parser("watchlist", _bundle, lists, refused),
        Parser("watchlist-manifest", _manifest, [MANIFEST], refused),
        Parser("watchlist-chunk", _chunk, [PART], refused),
        Parser("is-chunked", is_chunked, [*lists, MANIFEST]),
        Parser("station-message", _station_message, [_on(t, d) for t in TOPICS for d in EXAMPLES]),
        Parser("enrolment-question", _question, questions, (ValueError,)),
        Parser("certificate-request", _request, [REQUEST_PEM], (GatehouseError,)),
        Parser("request-name", request_name, [REQUEST_PEM], (GatehouseError,)),
    ]


def _bundle(data: bytes) -> Bundle:
    return read_bundle(data, TRUSTED, ADDRESS, CLOCK.utc_ns(), drill=None)


def _manifest(data: bytes) -> object:
    return read_manifest(data, TRUSTED, ADDRESS, drill=False)


NO_HASH = "sha256:" + "0" * 64


def _chunk(data: bytes) -> Bundle:
    """A chunk that the signed manifest names: its signer may have written anything."""
    parts = [data or b" "]
    try:
        signed = manifest(CLOCK, parts, 1)
    except (ValueError, RecursionError):  # its entries have no canonical form
        signed = manifest(CLOCK, parts, 1, hash=NO_HASH)
    gathering = Gathering(read_manifest(signed, TRUSTED, ADDRESS, drill=False), CLOCK.utc_ns())
    gathering.take(data or b" ")
    return gathering.bundle()


def _station_message(data: bytes) -> object:
    """The first line is the topic."""
    topic, _, payload = data.partition(b"\n")
    checked = check_message(topic.decode("utf-8", "replace"), payload)
    return [str(problem) for problem in checked.problems]


def _question(data: bytes) -> object:
    length = body_length(data[:HEADER_BYTES], MAX_QUESTION_BYTES)
    return unpack(data[HEADER_BYTES:][:length])


def _request(data: bytes) -> object:
    return read_request(data, GATE.client_id)


def _on(topic: str, payload: bytes) -> bytes:
    return f"{GATE.base}/{topic}\n".encode() + payload


def _named(start: str) -> list[bytes]:
    found = [f.read_bytes() for f in _FOLDER.iterdir() if f.name.startswith(f"{start}.")]
    return sorted(found)


# -- what other programs of the gate say ----------------------------------------------------------


def _at_the_border() -> list[Parser]:
    vision: list[border.FromVision] = [
        border.Hello(47, "dlib", True, [border.ModelInfo("embedder", "dlib", "0" * 64)], ""),
        border.Beat(1, {"north": _figures()}, 3, 2, 1, 0, 12),
        border.CameraReport("north", CameraState.FROZEN, "same picture", 5),
        border.Sighting("north", 7, "w-1", False, "lead", 0.61, 0.5, None, 3, 0.8, "dlib", 5),
        border.Embedded(9, "dlib", 128, [border.PhotoVerdict(0)]),
    ]
    core: list[border.FromCore] = [
        border.Embed(9, [10]),
        border.Gallery(2, "d", 8, 30),
        border.FaceSwitch(on=False),
    ]
    index = encode_index([GalleryRow("w-1", False, 2)])
    reports: list[capture.Report] = [
        capture.Beat(250, 50, 3, 1, 1920, 1080, 101.5, 40.25, 2.5, 0.0, 0.125),
        capture.FrameReady(7, 1, 123_456_789, 1920, 1080, 0.03, (0.0, 0.1, 0.5, 1.0)),
        capture.Opening("landlock seccomp"),
        capture.Ended(capture.Cause.LOGIN, "no"),
    ]
    orders: list[capture.Order] = [capture.Release(1), capture.Attend(2.5)]
    refused, wire = (border.BorderError,), (capture.WireError,)
    return [
        Parser(
            "from-vision",
            border.decode_from_vision,
            [border.encode(word) for word in vision],
            refused,
        ),
        Parser(
            "from-core", border.decode_from_core, [border.encode(word) for word in core], refused
        ),
        Parser("gallery-index", decode_index, [index], refused),
        Parser(
            "capture-report",
            capture.decode_report,
            [capture.encode(word) for word in reports],
            wire,
        ),
        Parser(
            "capture-order", capture.decode_order, [capture.encode(word) for word in orders], wire
        ),
    ]


def _figures() -> border.CameraFigures:
    return border.CameraFigures(CameraState.OK, "", 4.9, 4.8, 1280, 720, 0, 2)


# -- what people carry: tokens, sticks, lists, configurations -------------------------------------


def _carried() -> list[Parser]:
    key = request.key_pem(GATE_KEY)
    ours = (GatehouseError,)
    return [
        Parser("join-token", lambda d: read_token(text_of(d)), [TOKEN], (ValueError,)),
        Parser("papers", _read_papers, [PAPERS], (ValueError,)),
        Parser("trusted-keys", read_trusted_keys, [TRUSTED.to_json()], (ValueError,)),
        Parser("gate-key", request.read_key, [key], ours),
        Parser("gate-certificate", request.read_certificate, [GATE_PEM], ours),
        Parser("request-gate", request.request_gate, [REQUEST_PEM], ours),
        Parser("given-certificate", _given, [GATE_PEM], ours),
        Parser("authority-pin", lambda d: request.authority_pin(text_of(d)), [AUTHORITY_PEM], ours),
        Parser("configuration", lambda d: parse(d, "gate.yaml"), [GATE_YAML.encode()], ours),
        Parser("yaml", lambda d: read(text_of(d)), [GATE_YAML.encode()], ours),
    ]


def _read_papers(data: bytes) -> Papers:
    return Papers.from_json(strict_json(data, 256 * 1024))


def _given(data: bytes) -> object:
    authority = AUTHORITY_PEM.decode()
    return request.check_certificate(text_of(data), authority, GATE, GATE_KEY, NOW)
