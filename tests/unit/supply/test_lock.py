from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError
from supply.lock import Pin, read_lock
from tests.tools.program import REPO

LOCKS = sorted((REPO / "requirements").glob("*.lock"))
SHA = "a" * 64
OURS = (".", "-e .")
PIP_INSTALL = re.compile(r"pip install(?P<rest> [^`'\"\n]*)")
RECIPES = ("Makefile", ".ci/run", "README.md", "README.zh-CN.md", "provisioning/apt.sh")
INSTALLS = {"Makefile": 5, "README.md": 2, "README.zh-CN.md": 2}


def read(tmp_path: Path, text: str) -> list[Pin]:
    path = tmp_path / "some.lock"
    path.write_text(text, encoding="utf-8")
    return read_lock(path)


def test_pins_are_read_with_hashes_and_markers(tmp_path: Path) -> None:
    text = (
        "# made by uv\n"
        f"Boolean.Py==5.0 \\\n    --hash=sha256:{SHA} \\\n    --hash=sha256:{'b' * 64}\n"
        f"lgpio==0.2.2.0 ; platform_machine == 'nothing' \\\n    --hash=sha256:{SHA}\n"
    )
    first, second = read(tmp_path, text)
    assert (first.key, first.hashes, first.here) == (
        ("boolean-py", "5.0"),
        (SHA, "b" * 64),
        True,
    )
    assert (second.name, second.here) == ("lgpio", False)


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.0.0",
        f"numpy>=2.0.0 --hash=sha256:{SHA}",
        f"numpy==2.* --hash=sha256:{SHA}",
        f"numpy --hash=sha256:{SHA}",
        f"numpy==2.0.0,!=2.0.1 --hash=sha256:{SHA}",
        f"numpy @ https://example.net/numpy.whl --hash=sha256:{SHA}",
        f"numpy==2.0.0 --hash=md5:{SHA}",
        f"numpy==2.0.0 --hash=sha256:{SHA} --hash=md5:{'c' * 32}",
        "-e .",
        "--extra-index-url https://example.net/simple",
    ],
)
def test_what_pins_nothing_for_sure_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(CheckFailedError, match=r"some\.lock: "):
        read(tmp_path, f"{line}\n")


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_line_of_our_locks_has_its_hashes(path: Path) -> None:
    pins = read_lock(path)
    if path.name == "fuzz.lock":
        assert [pin.name for pin in pins] == ["atheris"], "it comes on top of dev.lock"
        return
    assert len(pins) > 20
    assert "setuptools" in {pin.name for pin in pins}, "what builds ours is locked too"


def test_a_gate_installs_what_development_tested() -> None:
    gate, demo, dev = (
        {pin.key for pin in read_lock(REPO / "requirements" / f"{name}.lock")}
        for name in ("gate", "demo", "dev")
    )
    assert gate <= demo
    assert {name for name, _ in gate - dev} <= {"setuptools"}, "the reference backend's is older"


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_installed_past_the_locks(name: str) -> None:
    text = (REPO / name).read_text(encoding="utf-8")
    installs = list(PIP_INSTALL.finditer(text))
    for found in installs:
        rest = found["rest"].replace("-q --disable-pip-version-check", "").strip()
        locked = rest.startswith("--require-hashes -r ")
        ours = rest.removeprefix("--no-deps --no-build-isolation ") in OURS
        assert locked or ours, f"{name}: pip install {rest}"
    assert len(installs) == INSTALLS.get(name, 0)
