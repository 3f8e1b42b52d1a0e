"""The gate's own door for people at the gate: a Unix socket that ``gatehouse`` commands use.

One JSON line asks, one JSON line answers. Here: the transport and its errors. What may be asked
is given by the composition root. The socket is as private as its folder and mode (0660). Whoever
may open it may still be broken: callers, their time and their memory are bounded, and one request
alone at a time may be larger than a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from agent.core.errors import CheckFailedError, GatehouseError, UnreachableError
from contract.signing import strict_json
from contract.words import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

MAX_LINE = 96 * 1024 * 1024
ASK_TIMEOUT_S = 30.0
READ_S = WRITE_S = 20.0
MAX_CALLERS = 32
PIECE = 64 * 1024
PEER = "peer"
Answer = Mapping[str, Any]
Operation = Callable[[Mapping[str, Any]], Awaitable[Answer] | Answer]


class LocalServer:
    """Serves operations by name. A failing one answers with its error and exit code.

    Each request carries who asks under ``peer``, as the kernel tells it: ``uid 1000``.
    """

    def __init__(
        self, path: Path, operations: Mapping[str, Operation], *, read_s: float = READ_S
    ) -> None:
        """*read_s*: how long a request may take to arrive."""
        self._path = path
        self._operations = operations
        self._read_s = read_s
        self._callers = 0
        self._large = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Start listening; OSError when the socket cannot be made."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._server = await asyncio.start_unix_server(self._call, self._path, limit=PIECE)
        self._path.chmod(0o660)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller; with too many of them a new one is hung up on."""
        self._callers += 1
        try:
            if self._callers <= MAX_CALLERS:
                await self._serve(reader, writer)
        except (OSError, ValueError) as error:
            log.debug("a local request broke off: %s", error)
        finally:
            self._callers -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(self._read_s):
                line = await _read(reader, MAX_MESSAGE_BYTES)
                if len(line) > MAX_MESSAGE_BYTES and not line.endswith(b"\n"):
                    await stack.enter_async_context(self._large)
                    line += await _read(reader, MAX_LINE - len(line))
            answer = await self._answer(line, _peer(writer))
        writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        async with asyncio.timeout(WRITE_S):
            await writer.drain()

    async def _answer(self, line: bytes, peer: str) -> Answer:
        try:
            request = {**strict_json(line, MAX_LINE), PEER: peer}
            operation = self._operations[request["op"]]
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "error": "this agent does not know that request", "exit_code": 2}
        try:
            result = operation(request)
            if isinstance(result, Awaitable):
                result = await result
        except GatehouseError as error:
            return {"ok": False, "error": str(error), "exit_code": error.exit_code}
        except Exception as error:
            log.exception("local request %s failed", request.get("op"))
            return {"ok": False, "error": f"internal error: {error!r}", "exit_code": 70}
        return {"ok": True, **result}


class LocalError(CheckFailedError):
    """The agent answered with an error of its own."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def ask(path: Path, op: str, **arguments: Any) -> dict[str, Any]:
    """Ask the running agent; UnreachableError when none listens, LocalError when it refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ASK_TIMEOUT_S)
        try:
            sock.connect(str(path))
            sock.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
            data = _read_line(sock)
        except OSError as error:
            raise UnreachableError(
                f"no agent answers at {path}: {error.strerror or error}. "
                "Is 'gatehouse run' running with this configuration?"
            ) from error
    answer: dict[str, Any] = json.loads(data)
    if not answer.pop("ok", False):
        raise LocalError(str(answer.get("error")), int(answer.get("exit_code", 70)))
    return answer


async def _read(reader: asyncio.StreamReader, most: int) -> bytes:
    """Up to the end of a line, or a piece more than *most* bytes without one."""
    data = bytearray()
    while len(data) <= most and not data.endswith(b"\n"):
        part = await reader.read(PIECE)
        if not part:
            break
        data += part
    return bytes(data)


def _peer(writer: asyncio.StreamWriter) -> str:
    sock = writer.get_extra_info("socket")
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return f"uid {uid}"


def _read_line(sock: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        part = sock.recv(65_536)
        if not part:
            raise OSError("the agent hung up")
        data += part
    return bytes(data)
