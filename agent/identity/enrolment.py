"""Asking the station's enrolment port: one question a connection, everything bounded and blocking.

What is not verified is told nothing. A gate that joins knows the SHA-256 of the station's authority
from its token: the first connection fetches that certificate and says nothing else, and only a
second one, which trusts that authority alone and checks the name, carries the token.
"""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from agent.core.errors import CheckFailedError, UnreachableError
from agent.files.tls import pinned_context, tls_trouble
from agent.identity.request import authority_pin
from contract.join import (
    HEADER_BYTES,
    MAX_ANSWER_BYTES,
    JoinToken,
    Papers,
    Place,
    body_length,
    fingerprint,
    pack,
    unpack,
)

TIMEOUT_S = 15.0


def fetch_authority(place: Place, pin: bytes) -> str:
    """The station's CA certificate, if it is the one that *pin* names; CheckFailedError if not.

    Nothing is trusted on this connection and nothing is told: whatever comes back is held against
    the pin.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    text = _text(ask(place, context, {"op": "authority"}), "authority")
    found = authority_pin(text)
    if found != pin:
        raise CheckFailedError(
            f"{_name(place)} is not the station of this token: its authority is\n"
            f"  {fingerprint(found)}\nand the token names\n  {fingerprint(pin)}\n"
            "Nothing was told to it. Somebody may be listening in: tell the station"
        )
    return text


def join(token: JoinToken, request: bytes) -> Papers:
    """Show the token to the verified station; its papers. CheckFailedError when it refuses."""
    place = Place(token.host, token.port)
    authority = fetch_authority(place, token.pin)
    question = {
        "op": "join",
        "secret": base64.b64encode(token.secret).decode("ascii"),
        "request": request.decode("ascii"),
    }
    answer = ask(place, pinned_context(authority), question)
    try:
        papers = Papers.from_json(answer)
    except ValueError as error:
        raise CheckFailedError(f"the station's answer cannot be used: {error}") from error
    if authority_pin(papers.authority) != token.pin:
        raise CheckFailedError("the station's papers name another authority than the token")
    return papers


def renew(place: Place, context: ssl.SSLContext, request: bytes) -> str:
    """A certificate for the key of *request*; *context* shows the present one."""
    question = {"op": "renew", "request": request.decode("ascii")}
    return _text(ask(place, context, question), "certificate")


def confirm(place: Place, context: ssl.SSLContext) -> None:
    """Tell the station that the certificate of *context* is in use: it works, and others may go."""
    _text(ask(place, context, {"op": "confirm"}), "confirmed")


def ask(place: Place, context: ssl.SSLContext, question: Mapping[str, Any]) -> dict[str, Any]:
    """One question; UnreachableError without an answer, CheckFailedError for a refusal."""
    until_s = time.monotonic() + TIMEOUT_S
    try:
        with (
            socket.create_connection((place.host, place.port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=place.host) as wire,
        ):
            with suppress(ConnectionError):  # a refusal of our certificate is read below
                wire.sendall(pack(question))
            length = body_length(_read(wire, HEADER_BYTES, until_s), MAX_ANSWER_BYTES)
            answer = unpack(_read(wire, length, until_s))
    except ssl.SSLEOFError as error:
        raise UnreachableError(f"{_name(place)} closed the connection; is it busy?") from error
    except ssl.SSLError as error:
        raise CheckFailedError(f"TLS with {_name(place)} failed: {tls_trouble(error)}") from error
    except OSError as error:
        raise UnreachableError(f"{_name(place)} does not answer: {error}") from error
    except ValueError as error:
        raise CheckFailedError(
            f"{_name(place)} is no enrolment port: its answer {error}"
        ) from error
    if "error" in answer:
        raise CheckFailedError(f"the station refuses: {str(answer['error'])[:500]}")
    return answer


def _read(wire: ssl.SSLSocket, count: int, until_s: float) -> bytes:
    found = bytearray()
    while len(found) < count:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("it is too slow")
        wire.settimeout(left_s)
        part = wire.recv(count - len(found))
        if not part:
            raise ConnectionError("it closed the connection")
        found += part
    return bytes(found)


def _name(place: Place) -> str:
    return f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise CheckFailedError(f"the station's answer lacks {key!r}")
    return value
