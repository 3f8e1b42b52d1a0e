"""What is in a support bundle, and what is not."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import files_of
from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.vault import AUDIT_FOLDER
from provisioning.support_cleaner import Cleaner, shown_config
from tests.support.audit import Bench
from tests.support.cli import Said, Shell, agent, answering
from tests.support.samples import gate, gate_text

PASSWORD, LABEL, USER = "päss 'w\"rd'\\zq-planted", "老王的岗亭", "wang-login"
STATUS: dict[str, Any] = {
    "gate": "cancheng.liya-garden.gate-1",
    "name": {"en": LABEL, "zh": LABEL},
    "version": "0.1.0",
    "session": 41,
    "link": False,
    "healthy": False,
    "inputs": {"panic-1": "released"},
    "outputs": {"siren-1": False},
    "components": {"link": {"state": "down", "reason": f"login {PASSWORD} refused"}},
    "issues": [
        {"code": "x", "component": "y", "text": "templates of entry w-17: bad", "since": ""}
    ],
    "outbox": {"pending": 3, "oldest_s": 12.5},
    "incidents": {"watchlist.face:w-17": "id-1", "watchlist.face:w-18": "id-2", "panic:a": "id-3"},
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.delenv("GATEHOUSE_CONFIG", raising=False)
    return Shell(monkeypatch, capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    path = tmp_path / "gate.yaml"
    text = gate_text(
        ("/run/gatehouse", str(tmp_path)),
        ("/var/lib/gatehouse", str(tmp_path)),
        ("link:\n", f"link:\n  username: {USER}\n  password_file: {tmp_path / 'password'}\n"),
        ("{en: Guard desk, zh: 岗亭}", f"{{en: Guard desk, zh: {LABEL}}}"),
    )
    path.write_text(text, encoding="utf-8")
    return path


def opened(path: Path) -> dict[str, str]:
    """Every file of a bundle by its name."""
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert {(m.mode, m.uid, m.uname) for m in members} == {(0o600, 0, "")}
        assert len({Path(m.name).parent for m in members}) == 1
        files = {Path(m.name).name: archive.extractfile(m) for m in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def test_it_holds_what_it_says_and_only_its_owner_reads_it(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b.tar.gz"
    with agent(tmp_path, answering([], status=STATUS)):
        said = shell("bundle", "--config", config, "--out", out, "--json")
    assert said.code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    parts = opened(out)
    there = {row["name"]: row["sha256"] for row in said.value["parts"] if "left_out" not in row}
    assert there == {
        name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in parts.items()
        if name != "CONTENTS.json"
    }
    assert {"about.json", "config.json", "status.json", "machine.json", "packages.json"} <= set(
        there
    )
    assert json.loads(parts["CONTENTS.json"])["parts"] == said.value["parts"]
    assert json.loads(parts["about.json"])["gatehouse"] == "0.1.0"
    assert json.loads(parts["machine.json"])["disks"]["data_dir"]["bytes"] > 0
    assert "typer" in json.loads(parts["packages.json"])


def test_secrets_logins_labels_and_entries_are_not_in_it(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    log, out = tmp_path / "core.log", tmp_path / "b.tar.gz"
    log.write_text(
        f"login {PASSWORD} refused\n{json.dumps(PASSWORD)}\n{PASSWORD!r}\n"
        f"rtsp://{USER}:p4ss@10.0.0.9/live?password=p4ss\nwatchlist entry w-17 is over\n",
        encoding="utf-8",
    )
    with agent(tmp_path, answering([], status=STATUS)):
        said = shell("bundle", "--config", config, "--out", out, "--log", log)
    parts = opened(out)
    everything = "\n".join([*parts.values(), said.out, said.err])
    planted = [
        PASSWORD,
        json.dumps(PASSWORD)[1:-1],
        repr(PASSWORD)[1:-1],
        "zq-planted",
        LABEL,
        USER,
        "p4ss",
        "w-17",
        "w-18",
        "id-1",
    ]
    assert [word for word in planted if word in everything] == []
    status = json.loads(parts["status.json"])
    assert status["components"]["link"]["reason"] == "login *** refused"
    assert status["open_incidents"] == {"watchlist.face": 2, "panic": 1}
    assert json.loads(parts["config.json"])["runs"]["link"]["username"] == "***"
    assert parts["log-1-core.log"].splitlines()[3] == "rtsp://***@10.0.0.9/live?password=***"


def test_without_an_agent_it_says_so_and_is_made(
    shell: Shell, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b.tar.gz"
    said = shell("bundle", "--config", config, "--out", out, "--json")
    assert said.code == 0
    why = {row["name"]: row.get("left_out") for row in said.value["parts"]}
    assert why["status.json"].startswith(f"no agent answers at {tmp_path}")
    assert why["audit.json"] == f"{tmp_path / 'audit'} holds no log that can be read"
    assert "status.json" not in opened(out)


def test_it_says_how_far_the_audit_log_goes(
    shell: Shell, config: Path, tmp_path: Path, clock: ManualClock
) -> None:
    bench = Bench(tmp_path / AUDIT_FOLDER, clock)
    for number in range(3):
        bench.log.note(AuditKind.VIEW, f"uid {number}", {"store": "watchlist"})
    bench.life(1)
    (last,) = files_of(bench.folder)
    with last.open("ab") as file:
        file.write(b'{"n":99')
    out = tmp_path / "b.tar.gz"
    shell("bundle", "--config", config, "--out", out)
    head = json.loads(opened(out)["audit.json"])
    record = json.loads(last.read_bytes().splitlines()[-2])
    assert head["newest"] == {name: record[name] for name in ("n", "at", "hash")}
    assert head["remembered"] == {"n": record["n"], "hash": record["hash"]}
    assert "uid 1" not in opened(out)["audit.json"]


def test_a_configuration_that_cannot_be_used_is_what_support_is_for(
    shell: Shell, tmp_path: Path
) -> None:
    path, out = tmp_path / "bad.yaml", tmp_path / "b.tar.gz"
    path.write_text(gate_text(("site:", "sight:")), encoding="utf-8")
    said = shell("bundle", "--config", path, "--out", out, "--json")
    assert said.code == 0
    why = {row["name"]: row.get("left_out") for row in said.value["parts"]}
    assert "node.sight: unknown key" in why["config.json"]
    assert why["machine.json"] is None
    assert "about.json" in opened(out)


def test_what_the_journal_says_is_cleaned(
    shell: Shell, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "journalctl"
    program.write_text(f'#!/bin/sh\ncat <<"END"\n{PASSWORD} $@\nEND\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    out = tmp_path / "b.tar.gz"
    shell("bundle", "--config", config, "--out", out)
    assert opened(out)["journal.txt"] == "*** $@\n"


def zh_or_en(said: Said) -> tuple[bool, bool]:
    return "不含: 图像" in said.out, "Not in it: pictures" in said.out


def test_it_is_told_in_the_language_of_the_gate(shell: Shell, config: Path, tmp_path: Path) -> None:
    said = shell("bundle", "--config", config, "--out", tmp_path / "1.tar.gz")
    assert zh_or_en(said) == (True, False)
    text = config.read_text("utf-8") + "\nconsole: {language: en}\n"
    config.write_text(text, encoding="utf-8")
    said = shell("bundle", "--config", config, "--out", tmp_path / "2.tar.gz")
    assert zh_or_en(said) == (False, True)
    assert "status.json    what the agent says of itself [left out: no agent" in said.out


def test_no_file_is_written_over(shell: Shell, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "there.tar.gz"
    out.write_bytes(b"mine")
    said = shell("bundle", "--config", config, "--out", out)
    assert (said.code, out.read_bytes()) == (1, b"mine")
    assert "is there already" in said.err
    said = shell("bundle", "--config", config, "--out", tmp_path / "no" / "folder.tar.gz")
    assert "cannot be made: No such file or directory" in said.err


def test_a_log_that_is_not_there_is_left_out(shell: Shell, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.tar.gz"
    said = shell("bundle", "-c", config, "--out", out, "--log", tmp_path / "none.log", "--json")
    (row,) = (row for row in said.value["parts"] if row["name"] == "log-1-none.log")
    assert "No such file" in row["left_out"]


def test_short_secrets_do_not_wipe_the_text() -> None:
    assert Cleaner(["a", "abcd"]).text("a cat abcd") == "a cat ***"


def test_places_and_figures_of_the_configuration_stay() -> None:
    shown = shown_config(gate())
    assert shown["link"]["brokers"][0]["port"] == 1883
    assert shown["inputs"]["panic-1"]["where"] == "north-gate"
    assert shown["inputs"]["panic-1"]["name"] == {"en": "***", "zh": "***"}
