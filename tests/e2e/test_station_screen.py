"""``station watch`` on a real terminal (a pty), and ``serve`` without anybody who reads it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.broker import Broker
from tests.tools.gate import WireGate
from tests.tools.messages import alert, beat
from tests.tools.station import COMMAND, REPO, environment, init_station, serving

SEEN_S = 15.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return init_station(tmp_path / "st")


def read_until(master: int, wanted: str, heard: str = "") -> str:
    until = time.monotonic() + SEEN_S
    while wanted not in heard:
        left = until - time.monotonic()
        assert left > 0, heard[-2000:]
        if select.select([master], [], [], left)[0]:
            heard += os.read(master, 65536).decode("utf-8", "replace")
    return heard


@pytest.mark.parametrize(
    ("colour", "lang", "kind"), [(True, "en", "Panic button"), (False, "zh", "紧急按钮")]
)
def test_the_screen_lives(
    broker: Broker,
    folder: Path,
    *,
    colour: bool,
    lang: str,
    kind: str,
) -> None:
    env = {**environment(), "TERM": "xterm-256color", "LINES": "30"}
    del env["COLUMNS"]
    if colour:
        del env["NO_COLOR"]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    args = [*COMMAND, "watch", "--dir", str(folder), "--lang", lang]
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
        subprocess.Popen(args, cwd=REPO, env=env, stdin=slave, stdout=slave, stderr=slave) as watch,
    ):
        os.close(slave)
        station.wait_event("connected")
        heard = read_until(master, "listening" if lang == "en" else "正在接收")
        assert kind not in heard
        gate.publish("hb", beat(), qos=0)
        gate.publish("alert", alert(1))
        heard = read_until(master, kind, heard)
        assert ("\x1b[1;37;41m" in heard) is colour
        watch.send_signal(signal.SIGINT)
        assert watch.wait(SEEN_S) == 0
    os.close(master)


def test_a_reader_that_goes_away_does_not_stop_it(broker: Broker, folder: Path) -> None:
    ours, theirs = os.pipe()
    args = [*COMMAND, "serve", "--dir", str(folder), "--broker", broker.address]
    with (
        WireGate(broker.host, broker.port) as gate,
        subprocess.Popen(args, cwd=REPO, env=environment(), stdout=theirs) as station,
    ):
        os.close(theirs)
        read_until(ours, "connected")
        os.close(ours)
        for number in range(1, 4):
            gate.publish("alert", alert(number))
            gate.wait_acks(number)
        assert station.poll() is None
        station.terminate()
        assert station.wait(SEEN_S) == 0
