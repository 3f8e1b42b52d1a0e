"""TLS as every part of Gatehouse speaks it: 1.2 or newer, one authority, names checked.

There is no option to check less, and no fallback: who cannot be verified is not talked to.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from agent.core.errors import ConfigError

_ALERTS = {
    "CERTIFICATE_REVOKED": "the other side says that our certificate is revoked",
    "CERTIFICATE_EXPIRED": "the other side says that our certificate has expired",
    "UNKNOWN_CA": "the other side does not know the authority of our certificate",
    "CERTIFICATE_REQUIRED": "the other side wants a certificate from us",
    "BAD_CERTIFICATE": "the other side refuses our certificate",
    "CERTIFICATE_UNKNOWN": "the other side refuses our certificate",
    "UNSUPPORTED_CERTIFICATE": "our certificate is for another purpose",
    "PROTOCOL_VERSION": "the other side speaks no TLS that we accept (1.2 or newer)",
    "UNSUPPORTED_PROTOCOL": "the other side speaks no TLS that we accept (1.2 or newer)",
    "WRONG_VERSION_NUMBER": "the other side speaks no TLS at all",
}


def client_context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """A context that trusts only *authority* and shows our certificate; ConfigError otherwise."""
    context = pinned_context(authority)
    try:
        context.load_cert_chain(str(certificate), str(key))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the TLS files cannot be used: {_files_text(error)}") from error
    return context


def pinned_context(authority: Path | str) -> ssl.SSLContext:
    """A context that trusts only *authority*, a PEM file or its text, and shows nothing of us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    try:
        if isinstance(authority, Path):
            context.load_verify_locations(cafile=str(authority))
        else:
            context.load_verify_locations(cadata=authority)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the TLS files cannot be used: {_files_text(error)}") from error
    return context


def tls_trouble(error: BaseException) -> str:
    """What went wrong between us and a peer, in words that tell whose certificate it is about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    return alert_text(str(getattr(error, "reason", None) or error))


def alert_text(text: str) -> str:
    """The same for the name of an alert or OpenSSL's own words for it."""
    spelled = text.upper().replace(" ", "_")
    return next((said for name, said in _ALERTS.items() if name in spelled), text)


def set_no_delay(sock: socket.socket) -> None:
    """Small messages leave at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _files_text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
