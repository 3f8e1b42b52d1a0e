"""Drives a camera for tests: polls it as the vision program does, until something is so.

with Watch(file_camera(video)) as watch:
    watch.until(lambda: watch.frames, 5)
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from agent.config.schema.vision import Camera as CameraConfig
from agent.core.events import CameraState
from agent.core.ids import CameraName
from devices.camera import Camera
from devices.camera_frame import Frame
from devices.camera_health import Verdict


def file_camera(path: Path, *, loop: bool = True, **changes: Any) -> CameraConfig:
    """A camera that plays a file."""
    return _config({"type": "file", "path": str(path), "loop": loop}, changes)


def rtsp_camera(
    url: str,
    login: tuple[str, Path] | None = None,
    *,
    open_timeout_s: float = 3.0,
    **changes: Any,
) -> CameraConfig:
    """A network camera; *login* a user name and the password's file. Lost after 2 s."""
    source: dict[str, Any] = {
        "type": "rtsp",
        "url": url,
        "open_timeout_s": open_timeout_s,
    }
    if login is not None:
        source |= {"username": login[0], "password_file": str(login[1])}
    return _config(source, {"stall_s": 2.0} | changes)


def _config(source: dict[str, Any], changes: dict[str, Any]) -> CameraConfig:
    body = {"source": source, "where": "north-gate", "name": "North", **changes}
    return CameraConfig.model_validate(body)


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was polled: how old it was then, and a copy of a fourth of its pixels a side."""

    seq: int
    age_s: float
    at_s: float
    share: float
    size: tuple[int, int]
    pixels: npt.NDArray[np.uint8]


class Watch:
    """One camera and all it said. A context manager that always ends its capture."""

    def __init__(self, config: CameraConfig, *, hold_s: float = 0.4, name: str = "north") -> None:
        self.camera = Camera(
            CameraName(name),
            config,
            monotonic_ns=time.monotonic_ns,
            uniform=lambda: 0.0,
            hold_s=hold_s,
        )
        self.frames: list[Seen] = []
        self.verdicts: list[Verdict] = []
        self.keep = False
        self.kept: list[Frame] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.camera.close()

    @property
    def states(self) -> list[CameraState]:
        """Every state it was in, in order."""
        return [verdict.state for verdict in self.verdicts]

    @property
    def pid(self) -> int:
        """The capture child's; fails when there is none."""
        assert self.camera.pid is not None
        return self.camera.pid

    def poll(self) -> None:
        """Once, without waiting. ``keep``: frames are not released."""
        polled = self.camera.poll()
        self.verdicts += polled.verdicts
        if polled.frame is None:
            return
        frame = polled.frame
        now_ns = time.monotonic_ns()
        self.frames.append(
            Seen(
                seq=frame.seq,
                age_s=(now_ns - frame.monotonic_ns) / 1e9,
                at_s=now_ns / 1e9,
                share=frame.share,
                size=(frame.width, frame.height),
                pixels=frame.pixels[::4, ::4].copy(),
            )
        )
        if self.keep:
            self.kept.append(frame)
        else:
            frame.release()

    def until(self, so: Callable[[], object], within_s: float) -> None:
        """Poll until *so*; fails after *within_s* seconds."""
        until([self], so, within_s)

    def until_state(self, state: CameraState, within_s: float) -> Verdict:
        """Poll until the camera is in *state*; returns the verdict that said so."""
        self.until(lambda: self.camera.state is state, within_s)
        return self.verdicts[-1]

    def during(self, seconds: float) -> list[Seen]:
        """Poll for so long, which is how long the thing under test takes; returns the frames."""
        before = len(self.frames)
        end_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end_s, seconds + 5)
        return self.frames[before:]


def until(watches: Sequence[Watch], so: Callable[[], object], within_s: float) -> None:
    """Poll several cameras until *so*; fails after *within_s* seconds."""
    end_s = time.monotonic() + within_s
    while not so():
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            told = [
                (watch.camera.name, watch.verdicts, watch.camera.figures()) for watch in watches
            ]
            raise AssertionError(f"not so after {within_s:g} s: {told}")
        due_s = min(watch.camera.wait_s() for watch in watches)
        select.select([watch.camera for watch in watches], [], [], min(left_s, due_s, 0.5))
        for watch in watches:
            watch.poll()
