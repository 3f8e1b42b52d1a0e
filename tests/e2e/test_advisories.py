"""``make audit`` against services that know, that do not know, and that are not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supply.advisories import CONTROL
from supply.lock import read_lock
from tests.tools.advisory_service import Known, advisory_service
from tests.tools.broker import free_port
from tests.tools.program import REPO, run_to_end

GATE = REPO / "requirements" / "gate.lock"
PLANTED = {CONTROL.key: "PYSEC-0000-1"}
DIRECT = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
ENOUGH_S = 120.0


def audit(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "supply.advisories", *map(str, words)]
    return run_to_end(command, timeout_s=ENOUGH_S, env=env)


def audit_at(url: str, *locks: Path) -> subprocess.CompletedProcess[str]:
    return audit("--service", "osv", "--osv-url", url, *locks, **DIRECT)


def asked_of(known: Known, *locks: Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    with advisory_service(known) as (url, asked):
        said = audit_at(url, *locks)
    return said, {name for name, _ in asked}


def test_every_pin_is_asked_about_whatever_machine_it_is_for() -> None:
    said, asked = asked_of(PLANTED, GATE)
    assert said.returncode == 0, said.stderr
    pins = read_lock(GATE)
    assert asked == {pin.name for pin in pins} | {CONTROL.name}
    assert "lgpio" in asked
    assert f"audited: {len({pin.key for pin in pins})} packages of {GATE}" in said.stdout
    assert "not audited" not in said.stderr


def test_what_is_known_is_told_and_fails() -> None:
    pin = next(pin for pin in read_lock(GATE) if pin.name == "cryptography")
    said, _ = asked_of({**PLANTED, pin.key: "GHSA-planted"}, GATE)
    assert said.returncode == 1
    assert f"cryptography {pin.version}: GHSA-planted (fixed in 999.0)" in said.stdout


def test_each_version_of_a_package_is_asked_about(tmp_path: Path) -> None:
    lock, sha256 = tmp_path / "two.lock", f"--hash=sha256:{'0' * 64}"
    older, newer = (
        "numpy==2.0.0 ; python_version < '3.12'",
        "numpy==2.1.0 ; python_version > '3.11'",
    )
    lock.write_text(f"{older} {sha256}\n{newer} {sha256}\n", encoding="utf-8")
    known = {**PLANTED, ("numpy", "2.0.0"): "OLD-1", ("numpy", "2.1.0"): "NEW-1"}
    said, _ = asked_of(known, lock)
    assert said.returncode == 1
    assert "OLD-1" in said.stdout
    assert "NEW-1" in said.stdout


def test_a_service_that_knows_nothing_is_no_clean_bill() -> None:
    said, asked = asked_of({}, GATE)
    assert (said.returncode, said.stdout) == (69, "")
    assert said.stderr.startswith(f"not audited: {GATE}: the advisory service answers, but knows")
    assert asked == {CONTROL.name}


def test_a_service_that_is_not_there_is_said_to_be() -> None:
    said = audit_at(f"http://127.0.0.1:{free_port()}/v1/query", GATE)
    assert (said.returncode, said.stdout) == (69, "")
    assert said.stderr.startswith(f"not audited: {GATE}: the advisory service cannot be asked: ")
    assert "Connection refused" in said.stderr


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_a_way_out_that_is_closed_is_said_to_be(name: str) -> None:
    nowhere = {"HTTPS_PROXY": "", "https_proxy": "", "NO_PROXY": "", "no_proxy": ""}
    said = audit(GATE, **{**nowhere, name: f"http://127.0.0.1:{free_port()}"})
    assert (said.returncode, said.stdout) == (69, "")
    assert said.stderr.startswith(f"not audited: {GATE}: ")


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "loose.lock"
    lock.write_text("numpy==2.0.0\n", encoding="utf-8")
    said = audit(lock)
    assert said.returncode == 1
    assert "'numpy==2.0.0' has no SHA-256" in said.stderr
