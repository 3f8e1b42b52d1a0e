"""What a person types, what is printed, and with which code the shell goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Said, Shell, agent, answering
from tests.support.samples import gate_text

PEER = {"peer": f"uid {os.getuid()}"}
STATUS: dict[str, Any] = {
    "gate": "cancheng.liya-garden.gate-1",
    "name": {"en": "North gate [/x]", "zh": "北门"},
    "version": "0.1.0",
    "session": 41,
    "link": False,
    "healthy": False,
    "inputs": {"panic-1": "released"},
    "outputs": {"siren-1": False},
    "components": {"link": {"state": "down", "reason": "[Errno 111] [red]refused"}},
    "issues": [
        {"code": "tls", "component": "link", "text": "see link.brokers[0] [/]", "since": ""}
    ],
    "outbox": {"pending": 3, "oldest_s": 12.5},
    "incidents": {"panic:panic-1": "id-1"},
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.delenv("GATEHOUSE_CONFIG", raising=False)
    return Shell(monkeypatch, capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.yaml"
    text = gate_text(("/run/gatehouse", str(tmp_path)), ("/var/lib/gatehouse", str(tmp_path)))
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(gate_text(("site:", "sight:"), ("pin: 6,", "pin: 99,")), encoding="utf-8")
    return path


def test_a_valid_file_is_said_to_be_with_what_is_in_it(shell: Shell, config: Path) -> None:
    said = shell("check", "--config", config)
    told = "ok: cancheng.liya-garden.gate-1, 8 inputs, 3 outputs, 1 cameras"
    assert said == Said(f"{config}: {told}\n", "", 0)


def test_a_valid_file_as_json(shell: Shell, config: Path) -> None:
    said = shell("check", "-c", config, "--json")
    assert said.code == 0
    assert said.value == {
        "ok": True,
        "gate": "cancheng.liya-garden.gate-1",
        "inputs": 8,
        "outputs": 3,
        "cameras": 1,
        "problems": [],
        "remarks": [],
    }


def test_every_problem_of_a_bad_file_is_one_line_on_standard_error(shell: Shell, bad: Path) -> None:
    said = shell("check", "--config", bad)
    assert (said.out, said.code) == ("", 78)
    assert said.err.splitlines() == [
        f"{bad}:2:1: node.site: is missing",
        f"{bad}:4:3: node.sight: unknown key; did you mean 'site'?",
        f"{bad}:15:30: inputs.medical-1.pin: must be at most 63, not 99",
    ]


def test_every_problem_of_a_bad_file_as_json(shell: Shell, bad: Path) -> None:
    said = shell("check", "--config", bad, "--json")
    assert said.code == 78
    assert said.value["ok"] is False
    assert said.value["problems"][1] == {
        "file": str(bad),
        "line": 4,
        "column": 3,
        "path": "node.sight",
        "message": "unknown key; did you mean 'site'?",
    }


def test_a_file_that_is_not_there_is_a_problem_of_the_configuration(
    shell: Shell, tmp_path: Path
) -> None:
    said = shell("check", "--config", tmp_path / "none.yaml")
    assert said.code == 78
    assert "cannot be read: No such file or directory" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("sim", "press", "panic-1"),
        ("reset",),
        ("watchlist", "list"),
        ("watchlist", "expire"),
    ],
)
def test_an_agent_that_does_not_run_is_unreachable(
    shell: Shell, config: Path, words: tuple[str, ...]
) -> None:
    said = shell(*words, "--config", config)
    assert (said.out, said.code) == ("", 69)
    assert "Is 'gatehouse run' running with this configuration?" in said.err
    said = shell(*words, "--config", config, "--json")
    assert (said.code, said.value["exit_code"]) == (69, 69)
    assert said.err == ""


@pytest.mark.parametrize(
    "words",
    [
        ("dance",),
        ("sim", "kick", "door-1"),
        ("sim", "press"),
        ("check", "--colour"),
        ("sim", "press", "panic-1", "--for", "long"),
    ],
)
def test_what_is_no_command_is_a_usage_error(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell(*words)
    assert (said.out, said.code) == ("", 2)
    assert "Usage" in said.err


def test_help_and_version_are_answered(shell: Shell) -> None:
    assert "check" in shell("--help").out
    version = shell("--version")
    assert version.code == 0
    assert version.out[0].isdigit()


def test_the_status_is_shown_in_the_language_of_the_gate(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    with agent(tmp_path, answering([], status=STATUS)):
        said = shell("status", "--config", config)
        english = config.with_name("en.yaml")
        english.write_text(
            config.read_text(encoding="utf-8") + "console: {language: en}\n", encoding="utf-8"
        )
        translated = shell("status", "--config", english)
    assert said.code == 0
    for words in ("北门", "链路中断", "3 条待发往指挥中心，最早 12.5 秒前", "panic:panic-1"):
        assert words in said.out
    for words in (
        "North gate [/x] (cancheng.liya-garden.gate-1, 0.1.0): no link",
        "3 waiting for the station, oldest 12.5 s",
        "[Errno 111] [red]refused",
        "! link: see link.brokers[0] [/]",
    ):
        assert words in translated.out


def test_the_status_as_json_is_the_agents_own_word(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    with agent(tmp_path, answering([], status=STATUS)):
        assert shell("status", "--config", config, "--json").value == STATUS


def test_a_simulated_press_is_asked_of_the_agent(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    heard: list[Mapping[str, Any]] = []
    with agent(tmp_path, answering(heard, sim={"did": "pressed panic-1 for 3 s"})):
        said = shell("sim", "--config", config, "press", "panic-1", "--for", "3")
    assert said == Said("pressed panic-1 for 3 s\n", "", 0)
    assert not list(tmp_path.glob("*.last-good"))
    assert heard == [{"op": "sim", "verb": "press", "name": "panic-1", "for_s": 3.0, **PEER}]


def test_a_reset_tells_who_asked(shell: Shell, config: Path, tmp_path: Path) -> None:
    heard: list[Mapping[str, Any]] = []
    with agent(tmp_path, answering(heard, reset={"did": "reset all"})):
        shell("reset", "--config", config, "--by", "guard Li")
    assert heard == [{"op": "reset", "name": None, "by": "guard Li", **PEER}]


def refusing(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ZeroDivisionError


def test_an_agent_that_fails_inside_is_an_internal_error(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    with agent(tmp_path, {"status": refusing}):
        said = shell("status", "--config", config)
    assert said.code == 70
    assert "internal error: ZeroDivisionError" in said.err


ENTRY = {
    "entry_id": "w-1",
    "list": "wanted",
    "status": "Actual",
    "state": "waiting",
    "category": "robbery",
    "authority": "PSB",
    "expires_at": "2026-12-21T08:00:00.000Z",
    "templates": 0,
}


@pytest.mark.parametrize(
    ("rejected", "code"), [([], 0), ([{"entry_id": "w-2", "reason": "'photos' is missing"}], 1)]
)
def test_an_import_with_rejected_entries_is_a_failed_check(
    shell: Shell, config: Path, tmp_path: Path, rejected: list[dict[str, str]], code: int
) -> None:
    document = tmp_path / "list.json"
    document.write_bytes(b"{}")
    heard: list[Mapping[str, Any]] = []
    answer = {"status": "Actual", "version": 7, "entries": [ENTRY], "rejected": rejected}
    with agent(tmp_path, answering(heard, watchlist_import=answer)):
        said = shell("watchlist", "import", document, "--config", config)
    assert said.code == code
    assert heard[0]["document"] == "e30="
    assert "watchlist Actual version 7: 1 entries stand at this gate" in said.out
    assert "no template yet: is the vision program running?" in said.out
    assert ("rejected w-2: 'photos' is missing" in said.out) is bool(rejected)


def test_a_document_that_cannot_be_read_is_a_failed_check(shell: Shell, config: Path) -> None:
    said = shell("watchlist", "import", "/nonexistent/list.json", "--config", config)
    assert said.code == 1
    assert "cannot be read: No such file or directory" in said.err


def test_an_empty_watchlist_says_so(shell: Shell, config: Path, tmp_path: Path) -> None:
    with agent(tmp_path, answering([], watchlist_list={"entries": []})):
        assert shell("watchlist", "list", "--config", config).out == (
            "no entry: nobody is searched for\n"
        )
