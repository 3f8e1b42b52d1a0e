"""The enrolment port: TLS, one question and one answer a connection, everything bounded.

Here: listening, time limits, sizes, which certificate the caller showed. What is answered is
``station.trust.questions``'s. It runs in a thread of its own with its own loop, so that a slow or
hostile caller never holds up what receives alarms.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from cryptography import x509

from agent.core.errors import ConfigError, GatehouseError
from contract.join import HEADER_BYTES, MAX_QUESTION_BYTES, body_length, pack, unpack
from station.trust.files import TrustFiles
from station.trust.questions import Caller, Questions, Tell

MAX_CALLERS = 32
CALL_S = 10.0
HANDSHAKE_S = 5.0
STOP_S = 5.0
PAUSE_S = 0.2


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
        self._questions = questions
        self._tell = tell
        self._callers: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="enrolment", daemon=True)
        self._main: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None

    def open(self) -> int:
        """Listen; returns the port. ConfigError when the address cannot be had."""
        server_context(self._files)
        try:
            self._listener = listen(self._host, self._port)
        except OSError as error:
            where = f"{self._host or '*'}:{self._port}"
            raise ConfigError(f"cannot listen on {where} for enrolment: {error}") from error
        self._listener.setblocking(False)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening; callers that are being answered are cut off."""
        if self._listener is None:
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(STOP_S)
        self._listener.close()
        self._listener = None

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _run(self) -> None:
        try:
            self._main = self._loop.create_task(self._serve())
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._main)
        except Exception as error:  # noqa: BLE001 - the thread's last word
            self._tell("enrolment-failed", {"op": "listen", "reason": repr(error)})
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        questions = self._questions()
        try:
            while True:
                await self._accept(questions)
        finally:
            for task in list(self._callers):
                task.cancel()
            await asyncio.gather(*self._callers, return_exceptions=True)

    async def _accept(self, questions: Questions) -> None:
        """Take one caller; with too many of them, or no descriptors, let the rest wait."""
        listener = self._listener
        if listener is None or len(self._callers) >= MAX_CALLERS:
            await asyncio.sleep(PAUSE_S)
            return
        try:
            sock, address = await self._loop.sock_accept(listener)
        except OSError:
            await asyncio.sleep(PAUSE_S)
            return
        task = self._loop.create_task(self._call(sock, str(address[0]), questions))
        self._callers.add(task)
        task.add_done_callback(self._callers.discard)

    async def _call(self, sock: socket.socket, address: str, questions: Questions) -> None:
        try:
            async with asyncio.timeout(CALL_S):
                await self._answer(sock, address, questions)
        except TimeoutError:
            self._tell("enrolment-refused", {"peer": address, "reason": "too slow"})
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
            self._tell("enrolment-refused", {"peer": address, "reason": str(reason)})
        except GatehouseError as error:
            self._tell("enrolment-failed", {"peer": address, "reason": str(error)})
        finally:
            sock.close()

    async def _answer(self, sock: socket.socket, address: str, questions: Questions) -> None:
        reader = asyncio.StreamReader(limit=MAX_QUESTION_BYTES, loop=self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=server_context(self._files),
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=HANDSHAKE_S,
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        try:
            length = body_length(await reader.readexactly(HEADER_BYTES), MAX_QUESTION_BYTES)
            question = unpack(await reader.readexactly(length))
            caller = Caller(address, _serial(transport.get_extra_info("ssl_object")))
            writer.write(pack(questions.answer(caller, question)))
            await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


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


def _serial(tls: Any) -> str:
    """The serial number of the verified certificate that the caller showed, or ''."""
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return f"{x509.load_der_x509_certificate(der).serial_number:x}" if der else ""
