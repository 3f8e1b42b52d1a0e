"""Hooks against a real server and real programs: done, refused, late, and what they are given."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.config.schema.escalation import EscalationConfig
from agent.core.clock import ManualClock
from agent.core.decisions import Page
from agent.core.events import HookEnded
from agent.pipeline.hooks import Hooks
from tests.tools.certificates import Authority

BODY = {"kind": "panic", "text": {"en": "Help", "zh": "请求支援"}}


class Server:
    """An HTTP server on loopback that notes what it is told and answers ``status``."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.status = 200
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(outer.status)
                self.send_header("Location", "http://192.0.2.1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def page(clock: ManualClock, hook: dict[str, Any]) -> HookEnded:
    """How one hook ends."""
    config = EscalationConfig.model_validate({"hooks": [hook]})

    async def paged() -> HookEnded:
        ended: asyncio.Future[HookEnded] = asyncio.get_running_loop().create_future()
        Hooks(config, clock, ended.set_result).page(Page("i-1", "hook-1", BODY))
        return await asyncio.wait_for(ended, 30)

    return asyncio.run(paged())


def test_a_server_is_given_the_body_and_the_headers_of_the_file(
    server: Server, clock: ManualClock, tmp_path: Path
) -> None:
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer t0k3n\n\nX-Room: 7\n", encoding="ascii")
    url = f"http://127.0.0.1:{server.port}/send?to=duty"
    ended = page(clock, {"type": "webhook", "url": url, "headers_file": str(headers)})
    assert (ended.incident, ended.hook, ended.ok, ended.detail) == ("i-1", "hook-1", True, "")
    ((path, told, body),) = server.heard
    assert (path, body) == ("/send?to=duty", BODY)
    assert (told["Authorization"], told["X-Room"]) == ("Bearer t0k3n", "7")
    assert told["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_server_that_does_not_take_it_is_told_and_no_redirect_followed(
    server: Server, clock: ManualClock, status: int
) -> None:
    server.status = status
    ended = page(clock, {"type": "webhook", "url": f"http://localhost:{server.port}/"})
    assert (ended.ok, ended.detail) == (False, f"localhost answers {status}")
    assert len(server.heard) == 1


def test_tls_is_verified(clock: ManualClock, tmp_path: Path) -> None:
    ours = Authority(tmp_path)
    other = Authority(tmp_path, "another authority")
    identity = ours.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert, identity.key)
    server = Server(context)
    try:
        hook = {"type": "webhook", "url": f"https://localhost:{server.port}/"}
        assert page(clock, {**hook, "ca_file": str(ours.ca)}).ok
        for trusted in ({}, {"ca_file": str(other.ca)}):
            ended = page(clock, {**hook, **trusted})
            assert not ended.ok
            assert "certificate verify failed" in ended.detail
    finally:
        server.close()
    assert len(server.heard) == 1


def test_nobody_there_or_headers_that_cannot_be_read_are_told(
    server: Server, clock: ManualClock, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{server.port}/"
    missing = {"type": "webhook", "url": url, "headers_file": str(tmp_path / "none")}
    assert "cannot be read: FileNotFoundError" in page(clock, missing).detail
    (tmp_path / "none").write_text("secret without a colon", encoding="ascii")
    detail = page(clock, missing).detail
    assert "line 1 is not 'Name: value'" in detail
    assert "secret" not in detail
    assert server.heard == []
    assert not page(clock, {"type": "webhook", "url": "http://127.0.0.1:1/"}).ok


def test_a_program_is_given_the_body_and_nothing_of_our_environment(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_SECRET", "x")
    body, environment = tmp_path / "body", tmp_path / "environment"
    script = f"cat > {body}; env > {environment}"
    assert page(clock, {"type": "command", "argv": ["/bin/sh", "-c", script]}).ok
    assert json.loads(body.read_text("utf-8")) == BODY
    assert "GATEHOUSE_SECRET" not in environment.read_text("utf-8")


def test_a_program_that_fails_is_missing_or_never_ends_is_told(clock: ManualClock) -> None:
    failed = page(clock, {"type": "command", "argv": ["/bin/sh", "-c", "exit 3"]})
    assert failed.detail == "/bin/sh ended with exit code 3"
    assert "No such file" in page(clock, {"type": "command", "argv": ["/nowhere/sms"]}).detail
    endless = {"type": "command", "argv": ["/bin/sh", "-c", "sleep 600 & wait"], "timeout_s": 1.0}
    assert page(clock, endless).detail == "/bin/sh was not over after 1 s"
