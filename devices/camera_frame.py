"""One frame in the parent's hands: borrowed memory, to be given back."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from agent.core.errors import DeviceError
from agent.core.ids import CameraName
from devices.capture_wire import FrameReady
from devices.frames import Pixels


class Frame:
    """A picture of ``camera``, taken at ``monotonic_ns``.

    ``share`` of it moves, 0 to 1, all within ``moving`` (left, top, right, bottom as fractions;
    all 0 when nothing moves).

    The pixels are shared memory: look, copy what is to be kept, and release. Releasing wipes them,
    so no face outlives the look at it, and lets the camera send the next frame. ``with frame:``
    releases at the end.
    """

    __slots__ = (
        "_give_back",
        "_pixels",
        "camera",
        "height",
        "monotonic_ns",
        "moving",
        "seq",
        "share",
        "width",
    )

    def __init__(
        self,
        camera: CameraName,
        ready: FrameReady,
        pixels: Pixels,
        give_back: Callable[[], None],
    ) -> None:
        self.camera = camera
        self.seq = ready.seq
        self.monotonic_ns = ready.monotonic_ns
        self.width = ready.width
        self.height = ready.height
        self.share = ready.share
        self.moving = ready.moving
        self._pixels: Pixels | None = pixels
        self._give_back = give_back

    @property
    def pixels(self) -> Pixels:
        """Read-only uint8 (height, width, 3) BGR, masked areas 0; DeviceError once released."""
        if self._pixels is None:
            raise DeviceError(f"a frame of camera {self.camera} is used after its release")
        view = self._pixels.view()
        view.flags.writeable = False
        return view

    def release(self) -> None:
        """Wipe the pixels and give the memory back; safe to call twice."""
        if self._pixels is not None:
            self._pixels.fill(0)
            self._pixels = None
            self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
