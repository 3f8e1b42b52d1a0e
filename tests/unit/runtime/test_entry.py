"""How programs end: in order, with a reason and its exit code, or as an error of their own."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agent.core.errors import ConfigError, GatehouseError
from agent.runtime.entry import enter


def ended(monkeypatch: pytest.MonkeyPatch, error: Exception) -> object:
    """The exit code of a program that raises *error*."""
    monkeypatch.setattr("sys.argv", ["agent", "gate.yaml"])

    def run(path: Path) -> None:
        assert path == Path("gate.yaml")
        raise error

    with pytest.raises(SystemExit) as end:
        enter(run)
    return end.value.code


@pytest.mark.parametrize("kind", [GatehouseError, ConfigError])
def test_an_expected_end_says_why_and_with_which_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: type[GatehouseError],
) -> None:
    assert ended(monkeypatch, kind("the reason")) == kind.exit_code
    assert capsys.readouterr().err == "the reason\n"


def test_an_error_of_its_own_is_logged_whole_and_ends_with_70(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert ended(monkeypatch, RuntimeError("a bug")) == 70
    assert "a bug" in caplog.text
