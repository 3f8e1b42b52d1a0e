"""The command line as a person's shell sees it: output, errors, exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.pipeline.local import Operation
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
