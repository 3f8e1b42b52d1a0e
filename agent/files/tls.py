"""TLS as every part of Gatehouse speaks it: 1.2 or newer, one authority, names checked.

There is no option to check less, and no fallback: who cannot be verified is not talked to.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from agent.core.errors import ConfigError

PROBE_S = 2.0
_ABOUT_TIME = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
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


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho then forgets it, and it would stay open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


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
    context.sslsocket_class = _TidySocket
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
        hint = "; is the clock right?" if error.verify_code in _ABOUT_TIME else ""
        return f"certificate verify failed: {error.verify_message}{hint}"
    text = str(getattr(error, "reason", None) or error)
    return next((said for name, said in _ALERTS.items() if name in text), text)


def why_refused(context: ssl.SSLContext, host: str, port: int) -> str:
    """Why a server that closed our connection does not accept us, if TLS is why; else ''.

    With TLS 1.3 a refused certificate shows after the handshake, as an alert that is easily lost
    behind what we sent. So knock again, send nothing, and read the alert. Blocks for seconds.
    """
    try:
        with (
            socket.create_connection((host, port), PROBE_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as wire,
        ):
            wire.settimeout(PROBE_S)
            wire.recv(1)
    except ssl.SSLError as error:
        return tls_trouble(error)
    except OSError:
        return ""
    return ""


def _files_text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
