"""The demo's lines: an alert, an answer to it, and the same alert once more are told apart."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contract.words import Stage
from provisioning.demo.show import JsonShow
from station.board import Alert
from tests.support.board import ALERT, BOARD


@pytest.mark.parametrize(
    ("changed", "event"),
    [
        (replace(ALERT, stage=Stage.CLOSED), "ack"),
        (replace(ALERT, by="desk-9"), "ack"),
        (replace(ALERT, copies=ALERT.copies + 1), "copy"),
    ],
)
def test_only_an_answer_is_told_as_one(
    changed: Alert, event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show = JsonShow()
    for alert in (ALERT, ALERT, changed):
        show.board(replace(BOARD, alerts=(alert,), gates=()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["alert", event]
