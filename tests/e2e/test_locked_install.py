"""The real pip installs what a lock pins, and nothing when one byte of a wheel is another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.program import run_to_end
from tests.tools.wheels import make_wheel, sha256_of

NAME, VERSION = "gatehouse_locked_thing", "1.0"
ENOUGH_S = 120.0


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An empty environment that our pip installs into."""
    folder = tmp_path / "venv"
    made = run_to_end(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], timeout_s=ENOUGH_S
    )
    assert made.returncode == 0, made.stderr
    return folder / "bin" / "python"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "gatehouse_other_thing", VERSION, "said = 'other'\n")
    return make_wheel(index, NAME, VERSION, "said = 'as locked'\n")


@pytest.fixture
def lock(tmp_path: Path, wheel: Path) -> Path:
    other = wheel.with_name(wheel.name.replace("locked", "other"))
    lines = [(NAME, wheel), ("gatehouse_other_thing", other)]
    path = tmp_path / "some.lock"
    text = "".join(f"{n}=={VERSION} --hash=sha256:{sha256_of(w)}\n" for n, w in lines)
    path.write_text(text, encoding="utf-8")
    return path


def install(python: Path, lock: Path, index: Path) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(python)]
    where = ["--no-index", "--find-links", str(index), "--no-cache-dir"]
    options = ["--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
    return run_to_end([*pip, "install", *where, *options], timeout_s=ENOUGH_S)


def said(python: Path) -> str:
    """What the installed module says; nothing when there is none."""
    asked = run_to_end([str(python), "-I", "-c", f"import {NAME}; print({NAME}.said)"])
    return asked.stdout.strip()


def installed(python: Path) -> list[str]:
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    return sorted(path.name for path in packages.glob("gatehouse*"))


def test_what_is_locked_is_installed(venv: Path, wheel: Path, lock: Path) -> None:
    done = install(venv, lock, wheel.parent)
    assert done.returncode == 0, done.stderr
    assert said(venv) == "as locked"


def test_one_altered_byte_and_nothing_is_installed(venv: Path, wheel: Path, lock: Path) -> None:
    data = wheel.read_bytes()
    assert data.count(b"as locked") == 1
    wheel.write_bytes(data.replace(b"as locked", b"as lockeD"))
    done = install(venv, lock, wheel.parent)
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert (said(venv), installed(venv)) == ("", [])


def test_another_wheel_of_the_same_name_is_refused(venv: Path, wheel: Path, lock: Path) -> None:
    make_wheel(wheel.parent, NAME, VERSION, "said = 'somebody else'\n")
    assert install(venv, lock, wheel.parent).returncode != 0
    assert installed(venv) == []


def test_a_line_without_a_hash_stops_the_install(venv: Path, wheel: Path, lock: Path) -> None:
    lines = lock.read_text(encoding="utf-8").splitlines()
    lock.write_text(f"{lines[0]}\n{lines[1].split()[0]}\n", encoding="utf-8")
    done = install(venv, lock, wheel.parent)
    assert "Hashes are required in --require-hashes mode" in done.stderr
    assert (done.returncode != 0, installed(venv)) == (True, [])
