"""The enrolment port: TLS, one question and one answer a connection, everything bounded.

Here: listening, time limits, sizes, which certificate the caller showed. What is answered is
``station.trust.questions``'s. One thread listens and one serves each caller, apart from what
receives alarms, so that a slow or hostile caller never holds that up. Threads and not a loop:
asyncio ends a failed handshake without telling the other side why.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from agent.core.errors import ConfigError, GatehouseError
from agent.files.tls import tls_trouble
from contract.join import HEADER_BYTES, MAX_QUESTION_BYTES, body_length, pack, unpack
from station.trust.files import TrustFiles
from station.trust.questions import Caller, Questions, Tell

MAX_CALLERS = 32
CALL_S = 10.0
TURN_S = 0.25
LET_READ_S = 1.0
STOP_S = 5.0


@dataclass(slots=True, eq=False)
class _Call:
    """A caller that is being served, until then at most (monotonic seconds).

    ``sock`` becomes the TLS socket: wrapping takes the descriptor away from the plain one.
    """

    sock: socket.socket
    address: str
    until_s: float


class EnrolmentPort:
    """Listens from :meth:`open` to :meth:`close`."""

    def __init__(
        self,
        host: str,
        port: int,
        files: TrustFiles,
        questions: Callable[[], Questions],
        tell: Tell,
    ) -> None:
        """*questions* is made in the port's own thread; *host* empty is every address."""
        self._host, self._port = host, port
        self._files = files
        self._make_questions = questions
        self._tell = tell
        self._calls: set[_Call] = set()
        self._asking = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="enrolment", daemon=True)
        self._listener: socket.socket | None = None

    def open(self) -> int:
        """Listen; returns the port. ConfigError when the address cannot be had."""
        server_context(self._files)
        try:
            self._listener = listen(self._host, self._port)
        except OSError as error:
            where = f"{self._host or '*'}:{self._port}"
            raise ConfigError(f"cannot listen on {where} for enrolment: {error}") from error
        self._listener.settimeout(TURN_S)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening; callers that are being answered are cut off."""
        if self._listener is None:
            return
        self._stopped.set()
        self._thread.join(STOP_S)
        self._listener.close()
        self._listener = None

    def _run(self) -> None:
        try:
            questions = self._make_questions()
            while not self._stopped.is_set():
                self._end_slow_calls()
                self._accept(questions)
        except Exception as error:  # noqa: BLE001 - the thread's last word
            self._tell("enrolment-failed", {"op": "listen", "reason": repr(error)})
        for call in list(self._calls):
            _shut(call.sock)

    def _end_slow_calls(self) -> None:
        """Whatever a caller sends, and however slowly: its time is over."""
        now_s = time.monotonic()
        for call in list(self._calls):
            if now_s > call.until_s:
                _shut(call.sock)

    def _accept(self, questions: Questions) -> None:
        """Take one caller; with too many of them, or no descriptors, the rest waits."""
        listener = self._listener
        if listener is None or len(self._calls) >= MAX_CALLERS:
            self._stopped.wait(TURN_S)
            return
        try:
            sock, address = listener.accept()
        except TimeoutError:
            return
        except OSError:
            self._stopped.wait(TURN_S)
            return
        call = _Call(sock, str(address[0]), time.monotonic() + CALL_S)
        self._calls.add(call)
        threading.Thread(
            target=self._serve, args=(call, questions), name="enrolment-call", daemon=True
        ).start()

    def _serve(self, call: _Call, questions: Questions) -> None:
        try:
            call.sock.settimeout(CALL_S)
            wire = server_context(self._files).wrap_socket(
                call.sock, server_side=True, do_handshake_on_connect=False
            )
            call.sock = wire
            wire.do_handshake()
            self._answer(wire, call.address, questions)
        except ssl.SSLError as error:
            self._refused(call, tls_trouble(error))
            _let_read(call.sock)
        except (OSError, ValueError) as error:
            late = time.monotonic() > call.until_s
            self._refused(call, "too slow" if late else str(error))
        except GatehouseError as error:
            self._tell("enrolment-failed", {"peer": call.address, "reason": str(error)})
        finally:
            call.sock.close()
            self._calls.discard(call)

    def _answer(self, wire: ssl.SSLSocket, address: str, questions: Questions) -> None:
        length = body_length(_read(wire, HEADER_BYTES), MAX_QUESTION_BYTES)
        question = unpack(_read(wire, length))
        caller = Caller(address, _serial(wire))
        with self._asking:
            answer = questions.answer(caller, question)
        wire.sendall(pack(answer))
        with contextlib.suppress(OSError):
            wire.unwrap()

    def _refused(self, call: _Call, reason: str) -> None:
        self._tell("enrolment-refused", {"peer": call.address, "reason": reason})


def server_context(files: TrustFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer; a caller's certificate may be missing, but never bad or revoked.

    Made for every caller: files may have changed, and no session is resumed past a revocation.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    try:
        context.load_cert_chain(str(files.server))
        context.load_verify_locations(cafile=str(files.authority))
        context.load_verify_locations(cafile=str(files.revoked))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the station's TLS files cannot be used: {error}") from error
    return context


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; *host* empty is every address of every family."""
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=MAX_CALLERS)
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=MAX_CALLERS, dualstack_ipv6=True
        )
    return socket.create_server(("", port), backlog=MAX_CALLERS)


def _read(wire: ssl.SSLSocket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        part = wire.recv(count - len(found))
        if not part:
            raise ConnectionError("it asked nothing")
        found += part
    return bytes(found)


def _let_read(sock: socket.socket) -> None:
    """Close in such a way that the caller can read the alert that we sent.

    Closing at once, with unread bytes of its question here, would make its system drop it.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_WR)
        sock.settimeout(LET_READ_S)
        while socket.socket.recv(sock, 4096):
            pass


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _serial(wire: ssl.SSLSocket) -> str:
    """The serial number of the verified certificate that the caller showed, or ''."""
    der = wire.getpeercert(binary_form=True)
    return f"{x509.load_der_x509_certificate(der).serial_number:x}" if der else ""
