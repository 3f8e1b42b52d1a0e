"""A configuration that cannot be used: at the first start, and over one that was good before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

CONFIGURATION = 78


GOOD = """\
schema: 1
node:
  station: cancheng
  site: liya-garden
  node: gate-1
  name: North gate
  pin_factory: mock
  data_dir: /tmp/nowhere/data
  run_dir: /tmp/nowhere/run
link:
  brokers: [{host: 127.0.0.1, port: 1883}]
  keepalive_s: 5
inputs:
  panic-1: {type: panic, pin: 5, where: north, name: North}
  panic-2: {type: panic, pin: 6, where: north, name: North}
rules:
  - {type: panic, outputs: []}
  - {type: camera.lost, cameras: []}
"""
BAD = {
    "unknown key": (
        "pin_factory: mock",
        "pin_factry: mock",
        [
            "7:3: node.pin_factry: unknown key; did you mean 'pin_factory'?",
            "2:1: node.pin_factory: is missing",
        ],
    ),
    "wrong type": (
        "keepalive_s: 5",
        "keepalive_s: soon",
        ["12:3: link.keepalive_s: must be a whole number, not 'soon'"],
    ),
    "one pin for two": (
        "pin: 6",
        "pin: 5",
        ["15:26: inputs.panic-2.pin: pin 5 is already used by inputs.panic-1.pin"],
    ),
    "a siren that is not there": (
        "outputs: []",
        "outputs: [siren-1]",
        ["17:29: rules[0].outputs[0]: there is no siren or beacon 'siren-1'"],
    ),
    "no such camera": (
        "cameras: []",
        "cameras: [north]",
        ["18:35: rules[1].cameras[0]: there is no camera 'north'"],
    ),
}


@pytest.mark.parametrize("program", ["run", "vision"])
@pytest.mark.parametrize("case", list(BAD))
def test_the_first_start_says_where_and_what(tmp_path: Path, program: str, case: str) -> None:
    old, new, problems = BAD[case]
    file = tmp_path / "gate.yaml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    said = run_to_end(gatehouse(program, "--config", file))
    assert said.returncode == CONFIGURATION
    assert sorted(said.stderr.splitlines()) == sorted(f"{file}:{text}" for text in problems)
    assert not list(tmp_path.glob("*.last-good"))


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "gate.yaml"
    text = GOOD
    for old, new, _ in BAD.values():
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    said = run_to_end(gatehouse("run", "--config", file))
    checked = run_to_end(gatehouse("check", "--config", file))
    assert (said.returncode, checked.returncode) == (CONFIGURATION, CONFIGURATION)
    assert said.stderr == checked.stderr
    assert {"7", "12"} <= {line.split(":")[1] for line in said.stderr.splitlines()}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "Field required"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"node: [1", "(file)"),
        (b"[]", "(file)"),
    ],
)
def test_a_file_that_is_no_configuration(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "gate.yaml"
    if content is not None:
        file.write_bytes(content)
    said = run_to_end(gatehouse("run", "--config", file))
    assert said.returncode == CONFIGURATION, said.stderr
    assert said.stderr.startswith(f"{file}:1:"), said.stderr
    assert "Traceback" not in said.stderr
    if reason != "Field required":
        assert reason in said.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gate that once ran with a good file."""
    with Site(tmp_path_factory.mktemp("config") / "site") as made:
        made.start("station", "agent")
        made.panic_works()
        made.agent.stop()
        yield made


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ("schema: 1\nlink: {keepalive_s: soon}\n", "gate.yaml:2:"),
        ("\x00\x01", "gate.yaml:1:1: (file)"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_the_last_good_one_runs_and_the_station_is_told(
    site: Site, spoilt: str | None, named: str
) -> None:
    if spoilt is None:
        site.config_path.unlink()
    else:
        site.write_config(spoilt)
    try:
        site.start("agent")
        issue = site.issue("config")
        assert named in issue["text"]
        assert issue["text"].startswith("new file not used: ")
        site.panic_works()
        said = run_to_end(gatehouse("status", "--config", site.config_path))
        assert said.returncode == 0, said.stderr
        assert "new file not used" in " ".join(said.stdout.split())
    finally:
        site.agent.kill()
        site.write_config()
    site.start("agent")
    site.issue_gone("config")
    site.agent.kill()
