"""Hooks run beside the loop: JSON posted to a server, or given to a program. Each has its end.

Standard library on purpose: no redirect is followed, no proxy and no shell involved, and TLS is
verified against the system's authorities or the one of the configuration. Here: running them. Not
here: when (``agent.incidents.escalation``).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import json
import logging
import os
import signal
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from agent.config.schema.escalation import (
    NEXT_BROKER,
    CommandHook,
    EscalationConfig,
    WebHook,
)
from agent.core.clock import Clock, stamp
from agent.core.decisions import Page
from agent.core.errors import GatehouseError, UnreachableError
from agent.core.events import HookEnded
from agent.files.tls import pinned_context
from agent.runtime.threads import in_daemon_thread

log = logging.getLogger(__name__)

GRACE_S = 5.0
LONGEST_HEADERS = 16 * 1024
LONGEST_DETAIL = 200
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class Hooks:
    """Runs hooks by their names. ``page`` on the loop; *ended* hears on the loop."""

    def __init__(
        self,
        config: EscalationConfig,
        clock: Clock,
        ended: Callable[[HookEnded], None],
        next_broker: Callable[[], bool] = lambda: False,
    ) -> None:
        """*next_broker* moves the link to its next address; False where it cannot."""
        self._next_broker = next_broker
        self._hooks = {config.name_of(n): hook for n, hook in enumerate(config.hooks)}
        self._clock = clock
        self._ended = ended
        self._running: set[asyncio.Task[None]] = set()

    def page(self, page: Page) -> None:
        """Run a hook; how it ended is told later."""
        task = asyncio.get_running_loop().create_task(self._run(page))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, page: Page) -> None:
        if page.hook == NEXT_BROKER:
            detail = "" if self._next_broker() else "there is no connection to leave"
        else:
            detail = await _outcome(self._hooks[page.hook], page)
        log.log(
            logging.WARNING if detail else logging.INFO,
            "hook %s of incident %s: %s",
            page.hook,
            page.incident,
            detail or "done",
        )
        now = stamp(self._clock)
        self._ended(HookEnded(now, page.incident, page.hook, ok=not detail, detail=detail))


async def _outcome(hook: WebHook | CommandHook, page: Page) -> str:
    """Run it; why it did not do it, empty when it did."""
    body = json.dumps(dict(page.body), ensure_ascii=False).encode()
    try:
        async with asyncio.timeout(hook.timeout_s + GRACE_S):
            await in_daemon_thread(lambda: run(hook, body))
    except TimeoutError:
        return f"not over after {hook.timeout_s:g} s"
    except (GatehouseError, OSError, ValueError, http.client.HTTPException) as error:
        return str(error)[:LONGEST_DETAIL] or type(error).__name__
    return ""


def run(hook: WebHook | CommandHook, body: bytes) -> None:
    """Run it to its end; an error's text says why it did not do it. Blocks."""
    if isinstance(hook, WebHook):
        _post(hook, body)
    else:
        _call(hook, body)


def _post(hook: WebHook, body: bytes) -> None:
    parts = urlsplit(hook.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json; charset=utf-8", **_headers(hook.headers_file)}
    connection = _connection(hook)
    try:
        connection.connect()
        if parts.scheme == "http":
            peer = str(connection.sock.getpeername()[0])
            if not ipaddress.ip_address(peer).is_loopback:
                raise UnreachableError(f"{parts.hostname} is not this machine")
        connection.request("POST", target, body, headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise UnreachableError(f"{parts.hostname} answers {status}")


def _connection(hook: WebHook) -> http.client.HTTPConnection:
    parts = urlsplit(hook.url)
    host, port = str(parts.hostname), parts.port
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=hook.timeout_s)
    context = ssl.create_default_context() if hook.ca_file is None else pinned_context(hook.ca_file)
    return http.client.HTTPSConnection(host, port, timeout=hook.timeout_s, context=context)


def _headers(path: Path | None) -> dict[str, str]:
    """Headers of a file of lines ``Name: value``; what they hold stands in no error."""
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_HEADERS).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreachableError(f"{path} cannot be read: {type(error).__name__}") from None
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip() or not value.strip().isprintable():
            raise UnreachableError(f"{path}: line {number} is not 'Name: value'")
        found[name.strip()] = value.strip()
    return found


def _call(hook: CommandHook, body: bytes) -> None:
    process = subprocess.Popen(
        hook.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
    )
    try:
        process.communicate(body, timeout=hook.timeout_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise UnreachableError(f"{hook.argv[0]} was not over after {hook.timeout_s:g} s") from None
    if process.returncode != 0:
        raise UnreachableError(f"{hook.argv[0]} ended with exit code {process.returncode}")
