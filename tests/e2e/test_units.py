"""The systemd units: what systemd's own tools say of them, and the programs as the units run them.

There is no systemd to start them here. A socket in its place hears READY, WATCHDOG and STOPPING,
and strace refuses what the unit's filter refuses.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.service import NotifySocket, cannot_confine, values
from tests.tools.site import Site

SERVICES = ("gatehouse.service", "gatehouse-vision.service")
EXPOSURE = "15"  # tenths
WATCHDOG_S = 2.0
READY_S = 15.0
PICTURE_LIBRARIES = ("numpy", "cv2", "opencv", "onnx", "dlib", "/av")
NOBODY = 65534

needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason="apt-get install systemd")
    for name in ("systemd-analyze", "systemd-sysusers", "systemd-tmpfiles")
}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
confined = pytest.mark.skipif(bool(cannot_confine()), reason=cannot_confine())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``gatehouse units --install`` has put everything."""
    root = tmp_path_factory.mktemp("root")
    said = run_to_end(gatehouse("units", "--install", root))
    assert said.returncode == 0, said.stderr
    return root


def unit(root: Path, name: str) -> Path:
    return root / "etc" / "systemd" / "system" / name


# -- what systemd's tools say --------------------


def verified(*units: Path) -> list[str]:
    """Complaints of ``systemd-analyze verify`` about our own units."""
    said = run_to_end(["systemd-analyze", "verify", "--man=no", *map(str, units)])
    return [line for line in said.stderr.splitlines() if "gatehouse" in line]


@needs["systemd-analyze"]
def test_systemd_understands_every_line(root: Path, tmp_path: Path) -> None:
    names = (*SERVICES, "gatehouse.slice")
    assert verified(*(unit(root, name) for name in names)) == []
    spoiled = tmp_path / "gatehouse.service"
    text = unit(root, "gatehouse.service").read_text("utf-8")
    spoiled.write_text(text.replace("LimitCORE=", "LimitKORE="), "utf-8")
    assert "Unknown key 'LimitKORE'" in verified(spoiled)[0]


@needs["systemd-analyze"]
@pytest.mark.parametrize("name", SERVICES)
def test_little_is_exposed(root: Path, name: str) -> None:
    judge = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    said = run_to_end([*judge, f"--threshold={EXPOSURE}", str(unit(root, name))])
    assert said.returncode == 0, said.stdout


@needs["systemd-sysusers"]
@needs["systemd-tmpfiles"]
@as_root
def test_users_and_folders_are_those_that_the_units_name(root: Path, tmp_path: Path) -> None:
    place = tmp_path / "root"
    shutil.copytree(root, place)
    for tool in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        said = run_to_end([*tool, f"--root={place}"])
        assert (said.returncode, "rror" in said.stderr) == (0, False), said.stderr
    users = {row[0]: row for row in table(place / "etc" / "passwd")}
    groups = {row[0]: row for row in table(place / "etc" / "group")}
    for name in SERVICES:
        (user,), (group,) = values(unit(root, name), "User"), values(unit(root, name), "Group")
        (others,) = values(unit(root, name), "SupplementaryGroups")
        assert users[user][-1] == "/usr/sbin/nologin"
        assert users[user][3] == groups[group][2]
        assert all(user in groups[other][3].split(",") for other in others.split())
    data = (place / "var" / "lib" / "gatehouse").stat()
    assert (data.st_mode & 0o777, str(data.st_uid)) == (0o750, users["gatehouse"][2])
    secrets = (place / "etc" / "gatehouse" / "secrets").stat()
    assert (secrets.st_mode & 0o777, secrets.st_uid) == (0o710, 0)
    assert str(secrets.st_gid) == groups["gatehouse"][2]


def table(path: Path) -> list[list[str]]:
    return [line.split(":") for line in path.read_text("utf-8").splitlines()]


# -- the core, as its unit starts it --------------------


def under_systemd(site: Site, root: Path, heard: NotifySocket, script: str = "") -> None:
    """Have the agent started by its unit's ExecStart, or by *script* in its place."""
    (line,) = values(unit(root, "gatehouse.service"), "ExecStart")
    command = line.replace("/etc/gatehouse/gate.yaml", str(site.config_path)).split()
    if script:
        command = [sys.executable, "-P", "-c", script, str(site.config_path)]
    site.agent.command = command
    site.agent.env = {
        "NOTIFY_SOCKET": str(heard.path),
        "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
        "STATE_DIRECTORY": str(site.folder / "data"),
    }


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path / "notify") as listening:
        yield listening


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def test_ready_alive_stopping(site: Site, root: Path, heard: NotifySocket) -> None:
    """Each word comes from the main process, the only one that the unit listens to."""
    under_systemd(site, root, heard)
    site.agent.start()
    words = heard.until("READY=1", READY_S)
    for _ in range(3):
        words += heard.until("WATCHDOG=1", WATCHDOG_S)
    site.until(site.live, READY_S)
    assert site.agent.stop() == 0
    words += heard.until("STOPPING=1", READY_S)
    assert {word.pid for word in words} == {words[0].pid}
    assert words[0].text == "READY=1\nSTATUS=panic live"
    assert heard.during(WATCHDOG_S) == []


PRESSED_BEFORE_READY = """
import sys
from pathlib import Path
from agent.runtime.sdnotify import Notifier
from devices.panel import Panel
opened = Panel.open
def open_and_press(panel):
    opened(panel)
    Notifier().status(f"{len(panel.contacts.states)} inputs read")
    panel.simulated.press("panic-1", 60)
Panel.open = open_and_press
from agent.main import run
run(Path(sys.argv[1]))
"""


def test_ready_is_said_only_when_panic_is_live(site: Site, root: Path, heard: NotifySocket) -> None:
    """Every input is read before the word; a press of that very moment sounds and is kept."""
    site.start("station")
    under_systemd(site, root, heard, PRESSED_BEFORE_READY)
    site.agent.start()
    words = [word.text for word in heard.until("READY=1", READY_S)]
    assert words == [f"STATUS={len(site.config['inputs'])} inputs read", words[-1]]
    site.until(site.live, READY_S)
    site.until(lambda: site.status()["outputs"]["siren-1"], READY_S)
    site.stored(lambda alert: alert.device == "panic-1")
    site.delivered()


HANGING = """
import asyncio, signal, sys, time
from pathlib import Path
from agent.pipeline.dispatch import Dispatcher
from agent.pipeline.inbox import Inbox
hangs = False
def hang(*_):
    global hangs
    hangs = True
signal.signal(signal.SIGUSR1, hang)
way, take, dispatch = sys.argv[2], Inbox.run, Dispatcher.dispatch
async def taken(inbox):
    taking = asyncio.ensure_future(take(inbox))
    while not hangs:
        await asyncio.sleep(0.01)
    taking.cancel()
    await asyncio.Event().wait()
def dispatched(dispatcher, event):
    while hangs:
        time.sleep(0.1)
    dispatch(dispatcher, event)
if way == "queue":
    Inbox.run = taken
else:
    Dispatcher.dispatch = dispatched
from agent.main import run
run(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("way", ["queue", "event"])
def test_a_dispatcher_that_hangs_is_not_called_alive(
    site: Site, root: Path, heard: NotifySocket, way: str
) -> None:
    """The queue stands still while everything else goes on, or one event is never done with."""
    under_systemd(site, root, heard, HANGING)
    site.agent.command.append(way)
    site.start("station", "agent")
    heard.until("WATCHDOG=1", READY_S)
    site.agent.send(signal.SIGUSR1)
    heard.during(WATCHDOG_S)
    assert heard.during(1.5 * WATCHDOG_S) == []
    assert site.agent.running
    if way == "queue":
        beat = site.beat()["seq"]
        site.until(lambda: site.beat()["seq"] > beat, READY_S)
        assert site.press().kind == "panic", "a press does not wait in the queue"
    site.agent.kill()
    under_systemd(site, root, heard)
    site.start("agent")
    heard.until("WATCHDOG=1", READY_S)
    site.panic_works()


def test_the_core_is_small_and_shut(site: Site, root: Path, heard: NotifySocket) -> None:
    """No picture library in its memory, no port that it listens on, no core dump."""
    under_systemd(site, root, heard)
    site.start("station", "agent")
    site.panic_works()
    core = psutil.Process(site.agent.pid)
    mapped = Path(f"/proc/{core.pid}/maps").read_text("utf-8")
    assert "pydantic_core" in mapped
    assert not [name for name in PICTURE_LIBRARIES if name in mapped.lower()]
    (link,) = core.net_connections("inet")
    assert (link.status, link.raddr.port) == (psutil.CONN_ESTABLISHED, site.broker.port)
    assert resource.prlimit(core.pid, resource.RLIMIT_CORE) == (0, 0)
    assert values(unit(root, "gatehouse.service"), "LimitCORE") == ["0"]


def test_a_socket_in_systemds_place_knows_who_speaks(tmp_path: Path) -> None:
    with (
        NotifySocket(tmp_path / "notify") as heard,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking,
    ):
        speaking.sendto(b"READY=1", str(heard.path))
        (word,) = heard.until("READY=1", 5)
        assert (word.pid, word.text) == (os.getpid(), "READY=1")
        assert heard.word(0.01) is None
