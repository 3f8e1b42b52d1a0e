"""An advisory service on a loopback port: it speaks OSV's interface and knows what a test tells it.

Here: ``POST /v1/query`` as https://google.github.io/osv.dev/post-v1-query/ describes it. The one
that asks is the real pip-audit.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
Known = Mapping[tuple[str, str], str]


@contextmanager
def advisory_service(known: Known) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Its address and what it was asked. *known*: the id of an advisory by name and version."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = query["package"]["name"], query["version"]
            asked.append(key)
            body = {"vulns": [_advisory(known[key], key[0])]} if key in known else {}
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/v1/query", asked
        finally:
            server.shutdown()
            thread.join()


def _advisory(name: str, package: str) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": "999.0"}]
    return {
        "schema_version": "1.6.0",
        "id": name,
        "summary": "planted",
        "published": "2026-01-02T03:04:05Z",
        "modified": "2026-01-02T03:04:05Z",
        "affected": [
            {
                "package": {"name": package, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    }
