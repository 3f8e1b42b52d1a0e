"""Certificates that live for seconds are renewed while buttons are pressed: nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import files_of
from agent.core.errors import GatehouseError
from agent.identity.request import read_certificate
from tests.tools.program import until
from tests.tools.site_config import PANICS
from tests.tools.trusted import TrustedGate, TrustedStation

LIFE_S = 15.0
PRESS_S = 0.25
ACCEPTED = re.compile(r"dispatch: \w+ \S+ \S+ ([0-9a-f-]{36})$", re.MULTILINE)


@contextmanager
def presses(gate: TrustedGate) -> Iterator[list[str]]:
    """Somebody presses one button after the other all the time; yields what was pressed."""
    ended, pressed = threading.Event(), list[str]()

    def press() -> None:
        for name in cycle(PANICS):
            if ended.is_set():
                return
            try:
                gate.ask("reset", name=name)
                gate.ask("sim", verb="press", name=name, for_s=0.1)
            except GatehouseError:
                continue
            pressed.append(name)
            ended.wait(PRESS_S)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    try:
        yield pressed
    finally:
        ended.set()
        thread.join(10)


def identities(gate: TrustedGate) -> list[dict[str, Any]]:
    """What the gate's audit log says of its certificates."""
    files = files_of(gate.folder / "data" / "audit")
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True)]
    records = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [record["what"] for record in records if record["kind"] == "identity"]


def rotate(station: TrustedStation, times: int) -> None:
    """A gate's whole life over that many certificates."""
    gate = station.gate("gate-1")
    gate.join()
    first = read_certificate(gate.identity.gate.read_bytes())
    gate.start()
    with presses(gate) as pressed:
        station.until(lambda: len(station.events("renewed")) >= times, times * LIFE_S + 30)
        station.until(lambda: len(station.events("confirmed")) > times)
        until(lambda: time.time() > first.not_after.timestamp(), LIFE_S + 5)
        os.kill(station.broker_pid(), signal.SIGKILL)
        ups = gate.agent.log.count("link up")
        until(lambda: gate.agent.log.count("link up") > ups, 30, lambda: gate.agent.last_words)
    until(lambda: len(ACCEPTED.findall(gate.agent.log)) >= len(pressed), 30)
    gate.delivered(60)
    accepted = set(ACCEPTED.findall(gate.agent.log))
    assert len(pressed) > times * 10
    assert accepted == station.stored()
    assert station.malformed() == []
    serials = [event["serial"] for event in station.events("renewed")]
    assert len(set(serials)) == len(serials) >= times
    assert len({event["before"] for event in station.events("renewed")}) >= times
    until(lambda: len(identities(gate)) > times, 10)
    joined, *renewed = identities(gate)
    assert (joined["did"], joined["serial"]) == ("in-use", first.serial)
    assert {what["did"] for what in renewed} == {"renewed"}
    assert {what["serial"] for what in renewed} <= set(serials)
    assert gate.ask("audit.verify")["intact"]
    keys = {path.read_bytes()[-150:] for path in (gate.identity.gate, gate.identity.previous)}
    assert len(keys) == 2


def test_two_rotations_lose_nothing(tmp_path: Path) -> None:
    with TrustedStation(tmp_path, gate_life_s=LIFE_S) as station:
        rotate(station.start(), 2)


@pytest.mark.soak
def test_fifty_rotations_lose_nothing(tmp_path: Path) -> None:
    with TrustedStation(tmp_path, gate_life_s=LIFE_S) as station:
        rotate(station.start(), 50)
