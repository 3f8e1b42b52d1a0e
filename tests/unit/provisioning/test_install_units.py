"""The systemd units: listed, written below a root, pointing at the program that was asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.cli import Shell

UNITS = {
    "gatehouse.service": "/etc/systemd/system",
    "gatehouse-vision.service": "/etc/systemd/system",
    "gatehouse.slice": "/etc/systemd/system",
    "gatehouse-sysusers.conf": "/etc/sysusers.d",
    "gatehouse-tmpfiles.conf": "/etc/tmpfiles.d",
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_the_units_are_listed_with_their_places(shell: Shell) -> None:
    said = shell("units", "--json", "--python", "/srv/bin/python")
    assert said.value == {"python": "/srv/bin/python", "units": UNITS}
    assert "gatehouse units --install /" in shell("units").out


def test_the_units_are_written_below_a_root(shell: Shell, tmp_path: Path) -> None:
    said = shell("units", "--install", tmp_path, "--python", sys.executable, "--json")
    assert said.code == 0
    assert said.value["compiled"] > 200
    assert said.value["not_compiled"] == 0
    expected = {str(tmp_path / place.lstrip("/") / name) for name, place in UNITS.items()}
    assert set(said.value["written"]) == expected
    service = tmp_path / "etc/systemd/system/gatehouse.service"
    text = service.read_text(encoding="utf-8")
    assert f"ExecStart={sys.executable} -OO -X no_debug_ranges -P -m agent.main" in text
    assert "/opt/gatehouse/bin" not in text


def test_a_root_that_cannot_be_written_is_a_failed_check(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "etc").touch()
    said = shell("units", "--install", tmp_path)
    assert said.code == 1
    assert "cannot be written" in said.err
    assert "Are you root?" in said.err
