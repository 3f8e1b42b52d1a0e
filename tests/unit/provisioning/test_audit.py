"""The audit log and the keys on the command line, with an agent and without one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import files_of
from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.vault import AUDIT_FOLDER, KEYS_FOLDER, Vault
from tests.support.audit import Bench
from tests.support.cli import Shell, agent, answering
from tests.support.samples import gate_text


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
def folder(tmp_path: Path, clock: ManualClock) -> Path:
    """Six records, written with the gate's own key."""
    vault = Vault(tmp_path, lambda *_: None)
    vault.open()
    bench = Bench(tmp_path / AUDIT_FOLDER, clock, vault.mac_key())
    bench.log.note(AuditKind.COMMAND, "cancheng", {"command": "selftest", "reason": ""})
    bench.life(5)
    return bench.folder


def test_the_newest_records_are_shown(shell: Shell, config: Path, folder: Path) -> None:
    assert folder.is_dir()
    said = shell("audit", "show", "--config", config, "--last", "2")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == ["5", "6"]
    assert said.out.splitlines()[1].endswith("unlock     gate  number=4, output=lock-1")
    said = shell("audit", "show", "--config", config, "--kind", "command", "--json")
    (record,) = json.loads(said.out)["records"]
    assert (record["n"], record["who"]) == (1, "cancheng")


def test_looking_is_told_to_the_agent(
    shell: Shell, config: Path, folder: Path, tmp_path: Path
) -> None:
    heard: list[Mapping[str, Any]] = []
    operations = answering(heard, audit_viewed={})
    with agent(tmp_path, operations):
        shell("audit", "show", "--config", config)
        shell("audit", "show", "--dir", folder)
    assert [(request["op"], request["records"]) for request in heard] == [("audit.viewed", 6)]


def test_an_empty_log_is_no_error(shell: Shell, config: Path) -> None:
    assert shell("audit", "show", "--config", config).out == "no record\n"
    assert shell("audit", "verify", "--config", config).code == 0


def test_a_log_is_verified_with_the_gates_own_key(shell: Shell, config: Path, folder: Path) -> None:
    said = shell("audit", "verify", "--config", config)
    assert (said.out, said.code) == ("6 records, 1 to 6\nintact\n", 0)
    (path,) = files_of(folder)
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":8'))
    said = shell("audit", "verify", "--config", config)
    assert said.code == 1
    assert f"BROKEN at record 4: was altered: its hash is not its own ({path.name}:4)" in said.out
    assert said.out.endswith("NOT INTACT\n")
    said = shell("audit", "verify", "--config", config, "--json")
    answer = json.loads(said.out)
    assert (answer["intact"], answer["vouched"], answer["breaks"][0]["n"]) == (False, True, 4)


def test_a_copied_log_is_a_chain_and_nobody_vouches(shell: Shell, folder: Path) -> None:
    said = shell("audit", "verify", "--dir", folder)
    assert said.code == 0
    assert "only the chain was checked" in said.out


def test_a_log_is_held_against_what_the_station_kept(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    lines = files_of(folder)[0].read_bytes().splitlines()
    kept = [{"n": n, "hash": json.loads(lines[n - 1])["hash"]} for n in (2, 6)]
    heads = tmp_path / "heads.json"
    heads.write_text(json.dumps({"heads": kept}), encoding="utf-8")
    assert shell("audit", "verify", "--dir", folder, "--heads", heads).code == 0
    heads.write_text(json.dumps([*kept, {"n": 9, "hash": "ab"}]), encoding="utf-8")
    said = shell("audit", "verify", "--dir", folder, "--heads", heads)
    assert said.code == 1
    assert "record 9 was seen elsewhere" in said.out
    for damage in ("{", "{}", '[{"n": "x"}]', "[5]"):
        heads.write_text(damage, encoding="utf-8")
        assert shell("audit", "verify", "--dir", folder, "--heads", heads).code == 1
    assert shell("audit", "verify", "--dir", folder, "--heads", tmp_path / "none").code == 1


def test_a_running_agent_verifies(shell: Shell, config: Path, tmp_path: Path) -> None:
    heard: list[Mapping[str, Any]] = []
    answer = {
        "intact": False,
        "records": 8,
        "first": 1,
        "head": {"n": 8, "hash": "ab"},
        "vouched": True,
        "torn_bytes": 12,
        "breaks": [],
        "gaps": [{"n": 4, "at": "2026-11-21T08:00:00.000Z", "why": "cut", "known": 9}],
    }
    with agent(tmp_path, answering(heard, audit_verify=answer)):
        said = shell("audit", "verify", "--config", config)
    assert said.code == 1
    assert "gap at record 4 (2026-11-21T08:00:00.000Z): cut, known=9" in said.out
    assert "12 bytes of a half record" in said.out
    assert heard[0]["heads"] == []


def test_verifying_makes_no_key(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell("audit", "verify", "--config", config)
    assert not (tmp_path / KEYS_FOLDER).exists()
    assert not (tmp_path / AUDIT_FOLDER).exists()


def test_keys_are_shown_and_rotated_by_the_agent(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    state = {
        "key": "ab12",
        "older": ["cd34"],
        "credential": False,
        "pending": ["outbox"],
        "unopened": ["key-0001-ef56"],
    }
    operations = answering([], keys_show=state, keys_rotate=state)
    with agent(tmp_path, operations):
        shown = shell("keys", "show", "--config", config)
        rotated = shell("keys", "rotate", "--config", config)
        told = shell("keys", "rotate", "--config", config, "--json")
    assert shown.out.splitlines() == [
        "key ab12 seals; it is protected by its file's mode only",
        "older key cd34 still opens",
        "not sealed anew yet: outbox",
        "cannot be opened: key-0001-ef56",
    ]
    assert rotated.out == "key ab12 seals from now on; being sealed anew: outbox\n"
    assert json.loads(told.out)["key"] == "ab12"
    assert shell("keys", "show", "--config", config).code == 69
