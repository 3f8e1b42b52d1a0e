"""An RTSP camera that misbehaves on demand. Runs under the system's python3 (gi, GStreamer).

Started by ``tests.tools.rtsp``. One JSON line on standard input configures it::

    {"file": "/x.mp4", "user": "", "password": ""}

It answers ``{"port": N}`` and then takes one mode a line, answering each with the same line:
``pass``; ``hold`` (sends nothing more, connections stay open); ``close`` (ends every connection);
``silent`` (accepts, never answers); ``garbage`` (some bytes of what it sends are wrong);
``refuse`` (does not listen, ends connections). GStreamer serves the file on a port of its own; in
front stands a TCP proxy that does the misbehaving.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import random
import sys
import threading
from typing import Any

HOST = "127.0.0.1"
CHUNK = 16 * 1024
HANDSHAKE_BYTES = 8 * 1024
LINE = "( filesrc location={file} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 )"


def serve_file(config: dict[str, str]) -> int:
    """Serve the file with GStreamer at ``/cam`` from a thread; returns the port."""
    gi = importlib.import_module("gi")
    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    glib = importlib.import_module("gi.repository.GLib")
    gst = importlib.import_module("gi.repository.Gst")
    rtsp = importlib.import_module("gi.repository.GstRtspServer")
    gst.init(None)
    server = rtsp.RTSPServer()
    server.set_address(HOST)
    server.set_service("0")
    factory = rtsp.RTSPMediaFactory()
    factory.set_launch(LINE.format(file=config["file"]))
    if config.get("user"):
        require_login(rtsp, server, factory, config)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    threading.Thread(target=glib.MainLoop().run, daemon=True).start()
    return int(server.get_bound_port())


def require_login(rtsp: Any, server: Any, factory: Any, config: dict[str, str]) -> None:
    """Basic authentication: nobody else may watch."""
    role = rtsp.RTSPToken()
    role.set_string("media.factory.role", "viewer")
    auth = rtsp.RTSPAuth()
    auth.add_basic(rtsp.RTSPAuth.make_basic(config["user"], config["password"]), role)
    server.set_auth(auth)
    permissions = rtsp.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", permission, True)
    factory.set_permissions(permissions)


class Proxy:
    """The port that clients see."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._mode = "pass"
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._random = random.Random(1)  # noqa: S311 - the same garbage every time

    async def listen(self) -> int:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, HOST, self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def set_mode(self, mode: str) -> None:
        """Behave like that from now on."""
        if mode == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "refuse" and self._server is None:
            await self.listen()
        self._mode = mode
        if mode in {"close", "refuse"}:
            for writer in list(self._writers):
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._mode == "close":
                return
            if self._mode == "silent":
                await reader.read()
                return
            there, back = await asyncio.open_connection(HOST, self._behind)
            try:
                await asyncio.gather(self._up(reader, back), self._down(there, writer))
            finally:
                back.close()
        except OSError:
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while data := await reader.read(CHUNK):
            if self._mode in {"hold", "silent"}:
                continue
            if self._mode == "garbage" and sent > HANDSHAKE_BYTES:
                data = self._spoiled(data)
            sent += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    def _spoiled(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for _ in range(max(1, len(data) // 2000)):
            spoiled[self._random.randrange(len(data))] ^= self._random.randrange(1, 256)
        return bytes(spoiled)


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    proxy = Proxy(serve_file(json.loads(await lines.readline())))
    print(json.dumps({"port": await proxy.listen()}), flush=True)  # noqa: T201
    while line := await lines.readline():
        await proxy.set_mode(line.decode().strip())
        print(line.decode().strip(), flush=True)  # noqa: T201


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
