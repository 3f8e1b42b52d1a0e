"""A bad new file does not stop a gate that has run before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agent.config.last_good import keep_steady, last_good_path, open_config, open_steady
from agent.config.load import InvalidConfigError
from tests.support.samples import GATE_YAML, gate, gate_text

BAD = gate_text(("site:", "sight:"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "gate.yaml"
    path.parent.mkdir()
    path.write_text(GATE_YAML, encoding="utf-8")
    return path


def test_a_valid_file_runs_and_is_kept_word_for_word(path: Path) -> None:
    opened = open_config(path)
    assert opened.config == gate()
    assert opened.problems == ()
    kept = last_good_path(path)
    assert kept == path.with_name("gate.yaml.last-good")
    assert kept.read_text(encoding="utf-8") == GATE_YAML
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


def test_the_copy_lies_in_the_state_folder_when_there_is_one(path: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    open_config(path, state)
    assert [p.name for p in state.iterdir()] == ["gate.yaml.last-good"]
    assert [p.name for p in path.parent.iterdir()] == ["gate.yaml"]


def test_the_last_good_file_runs_while_the_new_one_is_bad(path: Path) -> None:
    open_config(path)
    path.write_text(BAD, encoding="utf-8")
    opened = open_config(path)
    assert opened.config == gate()
    assert {p.path for p in opened.problems} == {"node.sight", "node.site"}
    assert all(p.file == str(path) for p in opened.problems)
    assert last_good_path(path).read_text(encoding="utf-8") == GATE_YAML


def test_the_last_good_file_runs_while_the_new_one_is_gone(path: Path) -> None:
    open_config(path)
    path.unlink()
    assert open_config(path).config == gate()


def test_a_bad_file_without_a_last_good_one_is_an_error(path: Path) -> None:
    path.write_text(BAD, encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=r"node\.sight"):
        open_config(path)
    assert not last_good_path(path).exists()


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", BAD.encode(), b"]"])
def test_a_damaged_copy_does_not_hide_the_problems_of_the_file(path: Path, damage: bytes) -> None:
    last_good_path(path).write_bytes(damage)
    path.write_text(BAD, encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=r"gate\.yaml:\d+:\d+: node\.sight"):
        open_config(path)


def test_a_newer_good_file_replaces_the_copy(path: Path) -> None:
    open_config(path)
    newer = gate_text(("North gate", "Main gate"))
    path.write_text(newer, encoding="utf-8")
    open_config(path)
    assert last_good_path(path).read_text(encoding="utf-8") == newer


def test_an_unchanged_copy_is_not_written_again(path: Path) -> None:
    open_config(path)
    before = last_good_path(path).stat()
    open_config(path)
    assert last_good_path(path).stat().st_ino == before.st_ino


def test_a_copy_that_cannot_be_written_does_not_stop_the_gate(path: Path, tmp_path: Path) -> None:
    opened = open_config(path, tmp_path / "not" / "there")
    assert opened.config == gate()
    assert opened.problems == ()


def test_a_folder_where_the_copy_should_be_does_not_stop_the_gate(path: Path) -> None:
    last_good_path(path).mkdir()
    assert open_config(path).config == gate()


def test_the_file_that_ran_well_is_kept_when_it_has_proved_itself(path: Path) -> None:
    assert open_steady(path) is None
    open_config(path)
    keep_steady(path)
    path.write_text(gate_text(("North gate", "Crashing gate")), encoding="utf-8")
    assert open_config(path).config.node.name.en == "Crashing gate"
    steady = open_steady(path)
    assert steady is not None
    assert steady.config == gate()
    assert "the gate crashes with it" in str(steady.problems[0])


def test_without_a_copy_to_prove_nothing_is_kept(path: Path) -> None:
    keep_steady(path)
    assert open_steady(path) is None
