"""Ending a revoked gate's session at the broker.

mosquitto keeps a connection whose certificate was revoked since (measured), and so do others. MQTT
itself has the way: who connects under a client's name takes its place. The authority makes a
certificate of that name, good for minutes and kept for the moment of the call, takes the place
with a clean session, so that nothing queued stays either, and leaves. Other gates notice nothing.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from agent.core.errors import UnreachableError
from agent.files.atomic import write_atomic
from agent.files.tls import client_context, tls_trouble
from contract.join import Place
from station.trust.authority import Authority, issue_client
from station.trust.files import TrustFiles, private_pem, public_pem

TIMEOUT_S = 5.0
LIFE = timedelta(minutes=5)
_CLEAN_SESSION = 0x02
_KEEPALIVE_S = 10
_ACCEPTED = b"\x20\x02\x00\x00"
_DISCONNECT = b"\xe0\x00"


def dismiss(broker: Place, files: TrustFiles, authority: Authority, name: str) -> None:
    """End the session of the client *name*; UnreachableError when the broker does not let us."""
    context = _context(files, authority, name)
    try:
        with (
            socket.create_connection((broker.host, broker.port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as wire,
        ):
            wire.sendall(connect_packet(name))
            answer = _read(wire, len(_ACCEPTED))
            wire.sendall(_DISCONNECT)
    except ssl.SSLError as error:
        raise UnreachableError(f"{name} is not dismissed: {tls_trouble(error)}") from error
    except OSError as error:
        raise UnreachableError(f"{name} is not dismissed: {error}") from error
    if answer != _ACCEPTED:
        raise UnreachableError(f"{name} is not dismissed: the broker answers {answer.hex()}")


def connect_packet(name: str) -> bytes:
    """MQTT 3.1.1's CONNECT with a clean session, for a client id of up to 110 bytes."""
    client_id = name.encode()
    body = b"\x00\x04MQTT\x04" + bytes([_CLEAN_SESSION]) + _KEEPALIVE_S.to_bytes(2, "big")
    body += len(client_id).to_bytes(2, "big") + client_id
    if len(body) > 127:
        raise ValueError(f"{name!r} is too long")
    return bytes([0x10, len(body)]) + body


def _context(files: TrustFiles, authority: Authority, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue_client(authority, key.public_key(), name, datetime.now(UTC), LIFE)
    with tempfile.TemporaryDirectory(dir=files.authority.parent) as folder:
        path = Path(folder) / "dismiss.pem"
        write_atomic(path, public_pem(certificate) + private_pem(key), mode=0o600)
        return client_context(files.authority, path, path)


def _read(wire: ssl.SSLSocket, count: int) -> bytes:
    found = b""
    while len(found) < count and (part := wire.recv(count - len(found))):
        found += part
    return found
