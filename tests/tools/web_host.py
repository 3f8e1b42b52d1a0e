"""A real HTTPS server on loopback that hands out files, and misbehaves when it is told to."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.tools.certificates import Authority


class WebHost:
    """Files by path. ``asked`` the requests so far: path and Range header.

    ``breaks_after`` bytes the line breaks, once; ``no_ranges`` gives all anew each time; ``leads``
    redirects every request there.
    """

    def __init__(self, authority: Authority, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []
        self.breaks_after: int | None = None
        self.no_ranges = False
        self.leads = ""
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.answer(self)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        own = authority.issue("web host")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.cert, own.key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request; runs in a thread of the server."""
        asked = request.headers.get("Range") or ""
        self.asked.append((request.path, asked))
        data = self.files.get(request.path)
        if self.leads or data is None:
            request.send_response(302 if self.leads else 404)
            request.send_header("Location", self.leads)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = 0 if self.no_ranges or not asked else int(asked[6:-1])
        if start >= len(data):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        part = data[start:]
        if self.breaks_after is not None:
            part, self.breaks_after = part[: self.breaks_after], None
            request.close_connection = True
        request.wfile.write(part)
