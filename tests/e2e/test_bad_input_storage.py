"""Disks that are full, damaged or cannot be written: alarms go out all the same, and it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.outbox import segments, waiting
from tests.tools.program import Program, gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.site_config import PANICS

NOT_ROOT = "only root can mount a small file system"
FILES = ("watchlist.json", "commands.json")
NOISE = b"this is no longer what it was\n" * 400


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own at *folder*; skips the test where none can be mounted."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip(NOT_ROOT)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_disk_that_gets_full_changes_nothing(tmp_path: Path) -> None:
    """The outbox has taken its room before."""
    with (
        mounted(tmp_path / "data", "size=2m") as data,
        Site(tmp_path / "site", node={"data_dir": str(data)}) as site,
    ):
        site.start("station", "agent")
        site.panic_works()
        fill(data)
        site.panic_works()
        site.station.stop()
        for name in PANICS[:3]:
            site.rest(name)
            site.push(name)
        site.until(lambda: len(waiting(data)) >= 3, 10)
        newest = site.newest
        site.agent.kill()
        site.start("station", "agent")
        site.delivered()
        late = [found.device for found in site.alerts("panic", after=newest)]
        assert late == list(PANICS[:3])
        site.until(lambda: not waiting(data), 10)
        assert site.alerts("storage.degraded") == []


def test_a_disk_that_is_full_from_the_start_stops_no_alarm_and_loses_none(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "data", "size=2m") as data,
        Site(tmp_path / "site", node={"data_dir": str(data)}) as site,
    ):
        filler = fill(data)
        os.truncate(filler, filler.stat().st_size - 128 * 1024)
        site.start("station", "agent")
        issue = site.issue("storage")
        assert "alarms are kept in memory only" in issue["text"]
        site.panic_works()
        site.station.stop()
        for name in PANICS[:3]:
            site.rest(name)
            site.push(name)
        site.until(lambda: site.status()["outbox"]["pending"] >= 3, 5)
        newest = site.newest
        filler.unlink()
        site.issue_gone("storage")
        site.until(lambda: len(waiting(data)) >= 3, 10)
        site.agent.kill()
        site.start("station", "agent")
        site.delivered()
        late = [found.device for found in site.alerts("panic", after=newest)]
        # A full disk may take a later alarm before an earlier one: being kept comes before order.
        assert sorted(late) == list(PANICS[:3]), "what was in memory is on the disk again"
        told = [found.msgtype for found in site.alerts("storage.degraded")]
        assert told == ["Alert", "Cancel"]
        site.panic_works()
        site.until(lambda: not waiting(data), 5)


def test_a_damaged_outbox_is_named_and_the_gate_goes_on(tmp_path: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.start("station", "agent")
        first = site.panic_works()
        site.agent.kill()
        data = site.folder / "data"
        names = [path.name for path in segments(data)]
        for path in segments(data):
            path.write_bytes(NOISE)
        site.start("agent")
        issue = site.issue("outbox-damaged")
        for name in names:
            assert f"outbox/{name}.damaged" in issue["text"]
            assert (data / "outbox" / f"{name}.damaged").read_bytes() == NOISE
        assert site.panic_works().session > first.session
        site.restart_agent()
        site.panic_works()
        told = [found.msgtype for found in site.alerts("storage.degraded")]
        assert told == ["Alert", "Cancel"]
        states = [json.loads(m.payload)["session"] for m in site.recorder.on("gate-1/state")]
        assert states == sorted(states), "no session is mistaken for an older one"


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_the_gate_goes_on(tmp_path: Path, name: str) -> None:
    with Site(tmp_path / "site") as site:
        site.start("station", "agent")
        first = site.panic_works()
        site.agent.kill()
        path = site.folder / "data" / name
        path.write_bytes(NOISE)
        site.start("agent")
        issue = site.issue(ISSUES[name])
        assert name in issue["text"]
        if name != "commands.json":
            assert path.with_name(f"{name}.damaged").read_bytes() == NOISE
        assert site.panic_works().session > first.session
        site.restart_agent()
        site.panic_works()


ISSUES = {"watchlist.json": "watchlist", "commands.json": "commands"}


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Mounted read-only with a damaged list in it: everything in memory, everything told."""
    with (
        mounted(tmp_path / "data", "size=2m") as data,
        Site(tmp_path / "site", node={"data_dir": str(data)}) as site,
    ):
        (data / "watchlist.json").write_bytes(b"{")
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        site.start("station", "agent")
        codes = {"data-folder", "storage", "watchlist"}
        assert {site.issue(code)["code"] for code in codes} == codes
        assert site.panic_works().session > 1_700_000_000
        site.stored(lambda found: found.kind == "storage.degraded")
        site.delivered()
        subprocess.run(["mount", "-o", "remount,rw", str(data)], check=True)
        site.push(PANICS[-1])
        site.stored(lambda found: found.msgtype == "Cancel")
        site.issue_gone("storage")


def test_a_run_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    with Site(tmp_path / "site", node={"run_dir": str(tmp_path / "a" / "b")}) as site:
        site.start("station", "agent")
        assert (tmp_path / "a" / "b" / "control.sock").is_socket()
        site.panic_works()


HAND_INSIDE = """
import sys
from pathlib import Path
from devices.panel import Panel
opened = Panel.open
def open_and_press(panel):
    opened(panel)
    panel._later(1.0, lambda: panel.simulated.press("panic-1", 0.3))
Panel.open = open_and_press
from agent.main import run
run(Path(sys.argv[1]))
"""


def test_a_run_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """No local socket, so a hand inside the process presses the button."""
    (tmp_path / "file").touch()
    run_dir = tmp_path / "file" / "run"
    cameras = {"north": {"source": {"type": "file", "path": "/x"}, "where": "x", "name": "x"}}
    with Site(tmp_path / "site", node={"run_dir": str(run_dir)}, cameras=cameras) as site:
        site.start("station")
        site.agent.command = [sys.executable, "-c", HAND_INSIDE, str(site.config_path)]
        site.agent.start()
        issues = {code: site.issue(code) for code in ("local-socket", "vision-socket")}
        assert all(str(run_dir) in issue["text"] for issue in issues.values())
        alert = site.stored(lambda found: found.device == "panic-1")
        acks = [json.loads(message.payload) for message in site.recorder.on("gate-1/ack")]
        assert alert.id in {ack["alert_id"] for ack in acks}
        said = run_to_end(gatehouse("status", "--config", site.config_path))
        assert said.returncode == 69
        assert "no agent answers" in said.stderr


def test_a_second_agent_on_the_same_folder_is_told_so(tmp_path: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.start("station", "agent")
        second = Program(site.agent.command, tmp_path / "second.log")
        second.start()
        assert second.wait() == 1
        text = f"{site.folder / 'data'} is in use by process {site.agent.pid}; stop it first"
        assert text in second.log
        assert "Traceback" not in second.log
        site.panic_works()
        assert len(site.recorder.on("gate-1/state")) == 1
