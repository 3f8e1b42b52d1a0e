"""Ports that only look like ours: a TLS listener, and one that answers as an enrolment port."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from contract.join import HEADER_BYTES, MAX_QUESTION_BYTES, body_length, pack, unpack

HOST = "127.0.0.1"
Questions = list[dict[str, Any]]


@contextmanager
def listening(context: ssl.SSLContext) -> Iterator[int]:
    """A TLS listener that does nothing but shake hands; its port."""
    with socket.create_server((HOST, 0)) as server, _serving(server, context, lambda _: None):
        yield int(server.getsockname()[1])


@contextmanager
def answering(context: ssl.SSLContext, port: int, authority: str) -> Iterator[Questions]:
    """An enrolment port that tells *authority* and writes down what it is asked."""
    heard: Questions = []

    def answer(wire: ssl.SSLSocket) -> None:
        length = body_length(wire.recv(HEADER_BYTES), MAX_QUESTION_BYTES)
        heard.append(unpack(wire.recv(length)))
        wire.sendall(pack({"authority": authority}))

    with socket.create_server((HOST, port)) as server, _serving(server, context, answer):
        yield heard


@contextmanager
def _serving(
    server: socket.socket, context: ssl.SSLContext, answer: Callable[[ssl.SSLSocket], None]
) -> Iterator[None]:
    server.settimeout(0.1)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError, ValueError):
                plain, _ = server.accept()
                plain.settimeout(5)
                with plain, context.wrap_socket(plain, server_side=True) as wire:
                    answer(wire)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)
