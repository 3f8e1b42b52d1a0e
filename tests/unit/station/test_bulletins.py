"""``station bulletin``: how long a notice stands, and what is no notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.core.clock import NS_PER_S, parse_utc
from agent.core.errors import ConfigError
from station.bulletins import until_ns
from station.cli import app
from tests.tools.station import init_station

NOW_NS = parse_utc("2026-11-21T08:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("12h", 43_200), ("7d", 604_800), ("2026-11-21T17:00:00+08:00", 3600)],
)
def test_until(text: str, seconds: int) -> None:
    assert until_ns(text, NOW_NS) == NOW_NS + seconds * NS_PER_S


@pytest.mark.parametrize(
    "text", ["", "7", "7w", "tomorrow", "2026-11-22T08:00:00", "2026-11-21T07:59:59Z"]
)
def test_until_no_time_to_come(text: str) -> None:
    with pytest.raises(ConfigError):
        until_ns(text, NOW_NS)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["East", "--text", "x"], 1, "area"),
        (["east"], 2, "--withdraw"),
        (["east", "--text", "x", "--until", "tomorrow"], 78, "--until"),
        (["East", "--withdraw"], 78, "is no area"),
    ],
)
def test_what_cannot_be_posted_is_told_at_once(
    tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    folder = init_station(tmp_path / "st")
    done = CliRunner().invoke(app, ["bulletin", *arguments, "--dir", str(folder)])
    assert done.exit_code == code, done.output
    assert text in done.output
