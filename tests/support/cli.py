"""The command line as a person's shell sees it: output, errors, exit code."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.pipeline.local import LocalServer, Operation
from provisioning.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed and how it ended."""

    out: str
    err: str
    code: int

    @property
    def value(self) -> Any:
        """The one JSON value on standard output."""
        return json.loads(self.out)


@dataclass(slots=True)
class Shell:
    """Runs ``gatehouse`` in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str | Path) -> Said:
        """Type a command."""
        self.monkeypatch.setattr(sys, "argv", ["gatehouse", *map(str, words)])
        self.capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        captured = self.capsys.readouterr()
        assert isinstance(code, int)
        return Said(captured.out, captured.err, code)


def answering(heard: list[Mapping[str, Any]], **answers: Mapping[str, Any]) -> dict[str, Operation]:
    """Operations that write down their requests and give fixed answers."""

    def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        heard.append(request)
        return answers[request["op"].replace(".", "_")]

    return dict.fromkeys((name.replace("_", ".") for name in answers), answer)


@contextmanager
def agent(folder: Path, operations: Mapping[str, Operation]) -> Iterator[None]:
    """An agent that answers at ``control.sock``, on a loop of its own."""
    loop = asyncio.new_event_loop()
    server = LocalServer(folder / "control.sock", operations)
    loop.run_until_complete(server.open())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
