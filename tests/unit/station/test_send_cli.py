"""``station send``: what it asks for before it does anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from station.cli import app
from tests.tools.station import init_station

GATE = "liya-garden/gate-1"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([GATE, "make.tea"], 2, "is none of watchlist"),
        ([GATE, "watchlist"], 2, "give the signed file"),
        ([GATE, "door.open", "file.json"], 2, "a command takes no file"),
        ([GATE, "door.open", "--arg", "door"], 78, "is not NAME=VALUE"),
        (["nowhere", "rebirth"], 78, "write SITE/NODE"),
        ([GATE, "residents", "file.json"], 1, "signs and sends the watchlist only"),
    ],
)
def test_what_cannot_be_sent_is_told_at_once(
    tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    folder = init_station(tmp_path / "st")
    done = CliRunner().invoke(
        app, ["send", *arguments, "--dir", str(folder)], env={"COLUMNS": "200"}
    )
    assert done.exit_code == code
    assert text in done.output
