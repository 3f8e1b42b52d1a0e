"""Which configuration a command means when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.call import SYSTEM_CONFIG, find_config


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEHOUSE_CONFIG", "GATEHOUSE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_it_is_this_machines_own() -> None:
    assert find_config() == SYSTEM_CONFIG == Path("/etc/gatehouse/gate.yaml")


def test_a_demo_here_comes_before_the_machines(tmp_path: Path) -> None:
    demo = tmp_path / ".gatehouse" / "demo" / "gate.yaml"
    demo.parent.mkdir(parents=True)
    demo.touch()
    assert find_config().resolve() == demo.resolve()


def test_a_demo_in_the_home_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    demo = tmp_path / "home" / "demo" / "gate.yaml"
    assert find_config() == SYSTEM_CONFIG
    demo.parent.mkdir(parents=True)
    demo.touch()
    assert find_config() == demo


def test_what_the_environment_names_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_CONFIG", "/srv/gate.yaml")
    assert find_config() == Path("/srv/gate.yaml")
