"""``gatehouse rules`` on a gate's own record and on files that somebody handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.incidents.record_file import RecordFile, folder_of
from provisioning.rules import HEAD
from tests.support.cli import Shell
from tests.support.samples import gate_text

PRESS = {
    "n": 1,
    "event": "input",
    "at": [1_000, 2_000, True],
    "heard": 3_000,
    "boot": "abcd1234",
    "is": {"device": "panic-1", "state": "pressed", "initial": False},
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A gate's file whose record holds one press."""
    path, data = tmp_path / "gate.yaml", tmp_path / "data"
    data.mkdir()
    path.write_text(gate_text(("/var/lib/gatehouse", str(data))), encoding="utf-8")
    record = RecordFile(folder_of(data))
    record.append(json.dumps(PRESS).encode())
    record.close()
    return path


def log(folder: Path, *entries: Any, head: Any = HEAD) -> Path:
    path = folder / "some.log"
    lines = [json.dumps(entry) for entry in (head, *entries)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_events_and_reasons_are_told(config: Path, shell: Shell) -> None:
    events = shell("rules", "events", "--config", config)
    assert events.out.startswith("#1  1970-01-01T00:00:00.000Z  input panic-1 pressed")
    assert "没有规则" in shell("rules", "explain", "#1", "--config", config).out
    unknown = shell("rules", "explain", "ffff", "--config", config)
    assert (unknown.code, unknown.out) == (1, "")
    assert "holds no event 'ffff'" in unknown.err


def test_a_record_is_written_and_replayed(config: Path, tmp_path: Path, shell: Shell) -> None:
    out = tmp_path / "out.log"
    assert shell("rules", "record", "--out", out, "--config", config, "--json").value == {
        "events": 1,
        "log": str(out),
    }
    replayed = shell("rules", "replay", out, "--config", config)
    assert replayed.code == 1
    assert "+ panic alert panic:panic-1: - => 1970-01-01T00:00:00.000Z Alert panic" in replayed.out
    assert "共 2 处不同" in replayed.out


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({**PRESS, "at": ["x", 1, True]}, "entry 1: at.0: Input should be a valid integer"),
        ({"n": 1}, "entry 1: at is missing"),
        ({**PRESS, "is": {"device": 3}}, "entry 1 of the log cannot be read"),
        ({**PRESS, "event": "earthquake"}, "entry 1 of the log cannot be read"),
        ({**PRESS, "did": [{"rule": "x", "do": [["note"]]}]}, "entry 1: did.0.do.0"),
        ({**PRESS, "at": [10**30, 1, True]}, "entry 1: at.0"),
    ],
)
def test_a_log_that_is_none_is_refused(
    config: Path, tmp_path: Path, shell: Shell, entry: Any, told: str
) -> None:
    said = shell("rules", "replay", log(tmp_path, entry), "--config", config)
    assert said.code == 1
    assert told in said.err


@pytest.mark.parametrize("head", [None, {"gatehouse": "record", "version": 2}, [1]])
def test_a_file_of_another_sort_is_refused(
    config: Path, tmp_path: Path, shell: Shell, head: Any
) -> None:
    path = log(tmp_path, PRESS, head=head)
    said = shell("rules", "replay", path, "--config", config)
    assert (said.code, "is no record of 'gatehouse rules record'" in said.err) == (1, True)
