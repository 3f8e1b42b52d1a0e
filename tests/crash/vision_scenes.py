"""What becomes of a vision program that hangs, whose capture hangs, or that leaks memory.

Here: the scenes and what they measured. What must have come of them is asserted in
``test_faults_vision``; they play beside other tests (``conftest``).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.tools.checker import Ledger
from tests.tools.memory_group import MemoryGroup
from tests.tools.service import values
from tests.tools.site import Site
from tests.tools.site_config import file_camera
from tests.tools.supervisor import UNITS, Supervisor
from tests.tools.videos import Videos

UNIT = "gatehouse-vision.service"
LIVE_S = 60.0
KILLED_S = 25.0
LOST_S = 30.0
FLOWING_FPS = 5


@dataclass(frozen=True, slots=True)
class Hang:
    """Seconds from each hang to the kill, and from the kill to pictures again.

    ``left`` are captures that outlived their program; ``lives`` the program's in all.
    """

    killed_s: float
    back_s: float
    pressed_s: float
    capture_killed_s: float
    capture_back_s: float
    left: list[int]
    lives: int
    silent: bool
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Leak:
    """The kernel's kills, how each life ended, what was said of the camera, and the core's life."""

    kills: int
    codes: set[int | None]
    camera: list[str]
    pressed_s: float
    same_core: bool
    ledger: Ledger


def hang(folder: Path) -> Hang:
    """SIGSTOP of the whole program, and then, in its next life, of its capture alone."""
    with _watching(folder) as (site, vision):
        site.vision.command = _vision(site)
        with vision as service:
            _flows(site)
            captures = _captures(site)
            hung_s = time.monotonic()
            site.vision.send(signal.SIGSTOP)
            pressed_s = site.panic_works().latency_s
            site.until(lambda: service.lives[0].ended_s, KILLED_S)
            first = service.lives[0]
            site.until(lambda: service.ready(2), LIVE_S)
            _flows(site)
            back_s = time.monotonic() - (first.ended_s or 0.0)
            left = [pid for pid in captures if psutil.pid_exists(pid)]
            (capture,) = _captures(site)
            capture_hung_s = time.monotonic()
            os.kill(capture, signal.SIGSTOP)
            site.until(lambda: not psutil.pid_exists(capture), KILLED_S)
            capture_killed_s = time.monotonic()
            site.until(lambda: _captures(site), LIVE_S)
            _flows(site)
            capture_back_s = time.monotonic() - capture_killed_s
            site.panic_works()
            ledger = Ledger.of(site)
            lives = len(service.lives)
    return Hang(
        (first.ended_s or 0.0) - hung_s, back_s, pressed_s, capture_killed_s - capture_hung_s,
        capture_back_s, left, lives, first.silent, ledger,
    )  # fmt: skip


def leak(folder: Path) -> Leak:
    """A leak in a group as large as the unit's: killed by the kernel at every start, until mended.

    Lives too short for a picture: the camera is lost until one of them lasts.
    """
    trigger = folder.with_name(f"{folder.name}-leaks")
    limit = values(UNITS / UNIT, "MemoryMax")[0]
    with (
        MemoryGroup(int(limit.removesuffix("M")) << 20) as group,
        _watching(folder) as (site, vision),
    ):
        hungry = [sys.executable, "-P", "-m", "tests.tools.hungry", str(trigger)]
        site.vision.command = group.inside([*hungry, str(site.config_path)])
        core = site.agent.pid
        with vision as service:
            _flows(site)
            trigger.touch()
            lost = site.stored(lambda found: found.kind == "camera.lost", LOST_S)
            pressed_s = site.panic_works().latency_s
            trigger.unlink()
            site.stored(lambda found: found.msgtype == "Cancel", LOST_S, after=lost.n)
            _flows(site)
            site.panic_works()
            ended = [life.code for life in service.lives[:-1]]
            ledger, camera = Ledger.of(site), [a.msgtype for a in site.alerts("camera.lost")]
            kills, same_core = group.kills, site.agent.running and site.agent.pid == core
    return Leak(kills, set(ended), camera, pressed_s, same_core, ledger)


@contextmanager
def _watching(folder: Path) -> Iterator[tuple[Site, Supervisor]]:
    """A gate with a camera; its vision program is not started yet."""
    folder.mkdir()
    cameras = {"north": file_camera(Videos(folder / "videos").walker())}
    with Site(folder / "site", cameras=cameras, log={"level": "debug"}) as site:
        site.start("station", "agent")
        yield site, Supervisor(site.vision, UNIT, folder / "notify")


def _vision(site: Site) -> list[str]:
    """The program as its unit starts it."""
    return [sys.executable, "-P", "-m", "agent.vision_main", str(site.config_path)]


def _flows(site: Site) -> None:
    site.until(lambda: site.component("camera.north").get("state") == "ok", LIVE_S)
    site.until(lambda: site.component("camera.north").get("fps", 0) > FLOWING_FPS, LIVE_S)


def _captures(site: Site) -> list[int]:
    """The capture processes of the vision program."""
    return [child.pid for child in psutil.Process(site.vision.pid).children(recursive=True)]
