"""A vision program with cameras at 15 frames a second, on a clock that face work moves.

Camera, capture loop, frame memory, both sockets, the program's turns and the face work are real.
Not real: the decoder, which draws a square that moves; and the capture's process, which lives in
this one and goes on while the program works, as a process on a core of its own would.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.border import messages as border
from agent.config.schema.vision import Camera as CameraConfig
from agent.config.schema.vision import Faces
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import ManualClock
from agent.core.ids import CameraName
from agent.runtime.sdnotify import Notifier
from agent.vision.client import CoreClient
from agent.vision.faces import FaceWork
from agent.vision.program import VisionProgram, hello
from devices.camera import Camera
from devices.camera_frame import Frame
from devices.capture import shrink
from devices.capture_link import ChildLink
from devices.capture_loop import CaptureLoop
from devices.capture_process import CaptureProcess
from devices.capture_wire import CaptureRequest, Opening
from devices.frames import FrameMemory, Layout, Pixels, create_memory
from models.engine import PackEngine
from models.gallery import Entry, Gallery
from models.purpose import Purpose

FPS = 15.0
WIDTH, HEIGHT, SQUARE = 160, 120, 40
STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class Look:
    """One frame that was looked at: whose, and how old it was when that began."""

    camera: str
    age_s: float


class Squares:
    """A live stream: a square that jumps from frame to frame."""

    live, fps, size = True, FPS, (WIDTH, HEIGHT)

    def __init__(self) -> None:
        self._number = 0

    def grab(self) -> tuple[bool, bool]:
        """One that had to be waited for."""
        self._number += 1
        return True, True

    def silent(self) -> bool:
        """Never."""
        return False

    def retrieve(self, into: Pixels) -> Pixels:
        """The square where it is now."""
        left = self._number * 37 % (WIDTH - SQUARE)
        into.fill(90)
        into[SQUARE : 2 * SQUARE, left : left + SQUARE] = 200
        return into

    def complaints(self) -> str:
        """None."""
        return ""

    def position_s(self) -> float:
        """Of files only."""
        raise AssertionError

    def restart(self) -> bool:
        """Of files only."""
        raise AssertionError


class Capture(CaptureProcess):
    """The parent's end of a capture, and the capture itself, which ``step`` brings on."""

    def __init__(self, name: CameraName, request: CaptureRequest, clock: ManualClock) -> None:
        layout = Layout(request.slots, request.slot_bytes)
        memory = create_memory(layout)
        self._name = name
        self._held: set[int] = set()
        self._hung_up = False
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setblocking(False)
        self._memory, child = FrameMemory(memory, layout), FrameMemory(memory, layout)
        os.close(memory)
        self._death = os.pidfd_open(os.getpid())
        self._theirs, link = theirs, ChildLink(theirs)
        link.send(Opening("nothing"))
        self._clock = clock
        self._stream = Squares()
        self._loop = CaptureLoop(
            request, self._stream, child, link, shrink=shrink, monotonic_ns=clock.monotonic_ns
        )

    def step(self) -> None:
        """The next frame comes in: one round of the loop."""
        self._loop._tend(self._loop._now_s())
        there, waited = self._stream.grab()
        self._loop._edge.grabbed(self._loop._now_s(), waited=waited)
        assert there
        assert self._loop._grabbed() is None

    def reap(self) -> int | None:
        """It lives."""
        return None

    def kill(self) -> None:
        """There is no process."""

    def wait(self, _: float) -> bool:
        """Over at once."""
        return True

    def close(self) -> None:
        """Both ends."""
        super().close()
        self._theirs.close()


class World:
    """Cameras, the program that watches them, and a clock that looks at faces move."""

    def __init__(
        self, folder: Path, engine: PackEngine, patch: Callable[..., None], cameras: int
    ) -> None:
        """*patch* is ``monkeypatch.setattr``."""
        self.clock = ManualClock()
        self.looks: list[Look] = []
        self.work_s = 0.0
        self._captures: list[Capture] = []
        self._due_s = [n / FPS / cameras for n in range(cameras)]
        self._passed_s = 0.0
        patch("devices.camera.CaptureProcess", self._captured)
        self._faces = Slow(engine, self)
        body: dict[str, Any] = {"where": "gate", "name": "gate", "fps": FPS}
        body["source"] = {"type": "rtsp", "url": "rtsp://127.0.0.1/never-opened"}
        names = [CameraName(f"cam-{number}") for number in range(cameras)]
        made = {str(name): self._camera(name, CameraConfig.model_validate(body)) for name in names}
        backoff = Backoff(BackoffPolicy(10.0, 10.0), lambda: 0.0)
        seconds = lambda: self.clock.monotonic_ns() / 1e9  # noqa: E731
        client = CoreClient(folder / "none.sock", backoff, seconds, lambda: hello(None, ""))
        self.program = VisionProgram(
            made, self._faces, client, Notifier(""), self.clock.monotonic_ns
        )
        self._cameras = list(made.values())
        for camera in self._cameras:
            camera.poll()  # starts its capture

    def run(self, seconds: float) -> None:
        """Turns of the program, each as soon as there is something to do."""
        until_s = self._passed_s + seconds
        while self._passed_s < until_s:
            if select.select(self._cameras, [], [], 0)[0]:
                self.program._turn()
            self.advance(STEP_S)

    def advance(self, seconds: float) -> None:
        """Time passes, and frames come in at theirs."""
        until_s = self._passed_s + seconds
        while self._captures and min(self._due_s) <= until_s:
            due_s = min(self._due_s)
            number = self._due_s.index(due_s)
            self._pass(max(due_s - self._passed_s, 0.0))
            self._captures[number].step()
            self._due_s[number] = due_s + 1 / FPS
        self._pass(until_s - self._passed_s)

    def close(self) -> None:
        """The end of everything."""
        for camera in self._cameras:
            camera.close()
        self.program._selector.close()

    def _pass(self, seconds: float) -> None:
        self._passed_s += seconds
        self.clock.advance(seconds)

    def _camera(self, name: CameraName, config: CameraConfig) -> Camera:
        return Camera(
            name, config, monotonic_ns=self.clock.monotonic_ns, uniform=lambda: 0.0, hold_s=0.5
        )

    def _captured(self, name: CameraName, request: CaptureRequest) -> Capture:
        self._captures.append(Capture(name, request, self.clock))
        return self._captures[-1]


class Slow(FaceWork):
    """The face work, on a machine where each look takes ``work_s``."""

    def __init__(self, engine: PackEngine, world: World) -> None:
        super().__init__(engine, Faces(enabled=True))
        self._world = world
        row = np.full((1, engine.dim), 0.2, np.float32)
        self.search(
            Gallery(
                engine.model_id, engine.metric, (Entry("w-1", False, 1),), row, Purpose.WATCHLIST
            ),
            1,
        )

    def look(self, frame: Frame) -> tuple[list[border.Sighting], bool]:
        """As ever, but it takes its time."""
        age_s = (self._world.clock.monotonic_ns() - frame.monotonic_ns) / 1e9
        self._world.looks.append(Look(frame.camera, age_s))
        self._world.advance(self._world.work_s)
        return super().look(frame)
