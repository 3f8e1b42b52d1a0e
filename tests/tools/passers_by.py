"""The vision program while synthetic people walk by: planted markers, and a camera of ours.

``python -P -m tests.tools.passers_by COUNT MARKERS gate.yaml``: each of COUNT passers-by is a drawn
head with pixels of its own, in four frames. The network, the matcher, the loop and the socket are
the program's. MARKERS gets 64 bytes of what each stage held: the frame, the chip, the network's
input and answer, the template before and after the site's transform; a person's begin with 64
zeros. They are written from where they lie, so that this tool leaves no copy in the memory that a
test looks through. MARKERS.said gets what the program says to the core.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agent import vision_main
from agent.border.channel import Channel
from agent.core.events import CameraState
from agent.core.ids import CameraName
from agent.runtime.entry import enter
from agent.vision.faces import FaceWork
from agent.vision.program import VisionProgram
from devices.camera import Polled
from devices.camera_figures import Tally
from devices.camera_frame import Frame
from devices.capture_wire import FrameReady
from models import parts
from models.chips import cut
from models.pictures import head
from models.sessions import Session

WIDTH, HEIGHT = 256, 256
FACE = {"x": 128, "y": 132, "tall": 110}
MARKED_ROW, MARKED_FROM = 104, 110
MOST_NOISE = 24
MARK = 64
FRAMES = 4
STEP_NS, GAP_NS = 200_000_000, 1_300_000_000
CHIP_SIDES = (112, 150)


class Marks:
    """The file of markers: the same number of bytes each."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def take(self, values: Any) -> None:
        """The first bytes of an array's last row, from where they lie."""
        row = memoryview(values.reshape(-1, values.shape[-1])[0]).cast("B")
        os.write(self._descriptor, row[:MARK])

    def next_person(self) -> None:
        """What comes is of somebody else."""
        os.write(self._descriptor, bytes(MARK))


class People:
    """A camera before which *count* people walk by, and then nobody."""

    name = CameraName("passers")
    state = CameraState.OK
    pid = None

    def __init__(self, count: int, marks: Marks, clock: SkippingClock) -> None:
        self._left = count * FRAMES
        self._marks = marks
        self._clock = clock
        self._plain = np.maximum(head(HEIGHT, WIDTH, **FACE), MOST_NOISE)
        self._frame = np.zeros_like(self._plain)
        self._drawn = np.random.default_rng(11)
        self._own = np.zeros_like(self._plain)
        self._ready = os.eventfd(0)
        self._began = False
        self.wanted: Callable[[], int] = int
        self.reason = ""

    def fileno(self) -> int:
        """Readable while somebody comes."""
        return self._ready

    def wait_s(self) -> float:
        """Nothing is due by itself, once somebody is searched for."""
        return 1.0 if self._began else 0.05

    def poll(self) -> Polled:
        """The next frame."""
        if not self._began and self.wanted():
            self._began = True
            self._clock.hold()
            os.eventfd_write(self._ready, 1)
        if not self._began or self._left == 0:
            self._clock.go_on()
            return Polled(None, ())
        if self._left % FRAMES == 0:
            self._clock.skip(GAP_NS)
            self._marks.next_person()
        self._own[:] = self._drawn.integers(0, MOST_NOISE, self._own.shape, np.uint8)
        self._left -= 1
        if self._left == 0:
            os.eventfd_read(self._ready)
        self._clock.skip(STEP_NS)
        np.subtract(self._plain, self._own, out=self._frame)
        self._marks.take(self._frame[MARKED_ROW, MARKED_FROM:].reshape(1, -1))
        return Polled(self._as_frame(), ())

    def attend(self, _: float) -> None:
        """Frames come as they come."""

    def close(self) -> None:
        """Nothing is open but a counter."""
        os.close(self._ready)

    def figures(self) -> Any:
        """None that matter."""
        return Tally().figures(self.state, self.reason, 0)

    def _as_frame(self) -> Frame:
        moving = (0.0, 0.0, 1.0, 1.0)
        ready = FrameReady(self._left, 0, self._clock(), WIDTH, HEIGHT, 1.0, moving)
        return Frame(self.name, ready, self._frame, lambda: None)


class SkippingClock:
    """The machine's monotonic clock, ahead by what was skipped; while it is held only that counts.

    A machine that is busy would otherwise make two tracks of one person.
    """

    def __init__(self) -> None:
        self._ahead_ns = 0
        self._held_ns: int | None = None

    def __call__(self) -> int:
        now_ns = time.monotonic_ns() if self._held_ns is None else self._held_ns
        return now_ns + self._ahead_ns

    def hold(self) -> None:
        """Stand still but for what is skipped."""
        self._held_ns = time.monotonic_ns()

    def go_on(self) -> None:
        """Pass with the machine's clock again, from here."""
        if self._held_ns is not None:
            self._ahead_ns += self._held_ns - time.monotonic_ns()
            self._held_ns = None

    def skip(self, by_ns: int) -> None:
        """Let time pass."""
        self._ahead_ns += by_ns


def plant(count: int, markers: Path) -> People:
    """Every vision program of this process has our camera alone, and its stages are watched."""
    marks, clock = Marks(markers), SkippingClock()
    people = People(count, marks, clock)
    _watch_stages(marks)
    _watch_words(markers.with_suffix(".said"))
    make = VisionProgram

    def with_people(_: Any, faces: Any, client: Any, notifier: Any, __: Any) -> VisionProgram:
        people.wanted = lambda: faces.entries
        cameras: Any = {str(people.name): people}
        return make(cameras, faces, client, notifier, clock)

    _put(vision_main, "VisionProgram", with_people)
    _put(vision_main, "Camera", lambda *_, **__: None)
    _put(vision_main, "NICE", 0)  # ten thousand would take hours on a machine that is shared
    return people


def _watch_stages(marks: Marks) -> None:
    run, keep = Session.run, FaceWork._kept

    def marked_cut(*given: Any) -> Any:
        chip = cut(*given)
        marks.take(chip[chip.shape[0] // 3 : chip.shape[0] // 3 + 1, 30:52].reshape(1, -1))
        return chip

    def marked_run(session: Session, batch: Any, **how: Any) -> Any:
        outputs = run(session, batch, **how)
        if batch.shape[-1] in CHIP_SIDES:
            marks.take(batch[0, 0, batch.shape[2] // 3 : batch.shape[2] // 3 + 1, 30:])
            marks.take(outputs[0])
        return outputs

    def marked_keep(work: FaceWork, probe: Any) -> Any:
        marks.take(probe.vector)
        kept = keep(work, probe)
        marks.take(kept.vector)
        return kept

    _put(parts, "cut", marked_cut)
    _put(Session, "run", marked_run)
    _put(FaceWork, "_kept", marked_keep)


def _watch_words(path: Path) -> None:
    say = Channel.send
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def marked_say(channel: Channel, data: bytes, beside: bytes = b"") -> None:
        os.writev(descriptor, [data, beside, b"\n"])
        say(channel, data, beside)

    _put(Channel, "send", marked_say)


def _put(owner: Any, name: str, marked: Any) -> None:
    setattr(owner, name, marked)


if __name__ == "__main__":
    plant(int(sys.argv.pop(1)), Path(sys.argv.pop(1)))
    enter(vision_main.run)
