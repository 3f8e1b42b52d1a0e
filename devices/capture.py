"""The decoder of a capture child: OpenCV's VideoCapture over FFmpeg and V4L2, in one thread.

The only file here that imports cv2; it is imported in the child alone, after the environment that
OpenCV reads while loading is set. OpenCV and FFmpeg write to standard error: it becomes a pipe that
this process reads itself, to count broken frames and to find a reason, and that goes nowhere else,
because such texts may quote a URL with its login.
"""

from __future__ import annotations

import os
import time

import cv2
import numpy as np

from devices.capture_wire import Cause, Ended, SourceRequest
from devices.frames import MAX_PIXELS, Pixels, fits
from devices.motion import Luma
from devices.preflight import diagnosis, with_login

MAX_COMPLAINT = 64 * 1024
_WAITED_S = 0.002  # a grab that slept at least so long had no frame ready
_ROWS_A_CELL = 3  # rows that are read for the mean of a cell
_MILLI = 1000
_NEARLY = 0.95


class CannotOpenError(Exception):
    """The source does not open; ``ended`` says why."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class Complaints:
    """Standard error of this very process, read back."""

    def __init__(self) -> None:
        """Replace standard output and error for good; writers never block on it."""
        self._read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for stream in (1, 2):
            os.dup2(write_end, stream, inheritable=False)
        os.close(write_end)

    def take(self) -> str:
        """What was written since the last call."""
        try:
            return os.read(self._read_end, MAX_COMPLAINT).decode("utf-8", "replace")
        except BlockingIOError:
            return ""


class OpenCvStream:
    """An opened source, as ``devices.capture_loop`` wants it."""

    def __init__(self, source: SourceRequest, complaints: Complaints) -> None:
        """Open *source*; raises CannotOpenError with the reason."""
        cv2.setNumThreads(1)
        self._source = source
        self._complaints = complaints
        self._silent = False
        started_s = time.monotonic()
        self._capture = _open(source)
        if not self._capture.isOpened():
            raise CannotOpenError(self._why_not(time.monotonic() - started_s))
        self._width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self._height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if not fits(self._width, self._height):
            raise CannotOpenError(_misfit(self._width, self._height))

    @property
    def live(self) -> bool:
        """True for cameras, False for files."""
        return self._source.type != "file"

    @property
    def fps(self) -> float:
        """Frames a second as declared, 0 when unknown."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self._width, self._height

    def grab(self) -> tuple[bool, bool]:
        """Take the next frame: whether there is one, and whether it had to be waited for."""
        started_s, used_s = time.monotonic(), time.thread_time()
        there = self._capture.grab()
        took_s = time.monotonic() - started_s
        # OpenCV returns the decoder's last frame, and True, when the read timeout strikes.
        self._silent = self.live and took_s >= self._source.read_timeout_s * _NEARLY
        return there, took_s - (time.thread_time() - used_s) >= _WAITED_S

    def silent(self) -> bool:
        """Whether the last grab ended because nothing came within the read timeout."""
        return self._silent

    def position_s(self) -> float:
        """Where in the file the frame stands."""
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / _MILLI

    def retrieve(self, into: Pixels) -> Pixels | None:
        """The grabbed frame, in *into* when its size is right, else elsewhere; None: broken."""
        try:
            there, picture = self._capture.retrieve(into)
        except cv2.error:
            return None
        if not there or picture.dtype != np.uint8 or picture.ndim != into.ndim:
            return None
        if picture.shape == into.shape and not np.shares_memory(picture, into):
            into[:] = picture
            return into
        return picture.view(np.ndarray)

    def restart(self) -> bool:
        """Begin a file again; False when it cannot be opened any more."""
        self._capture.release()
        self._capture = _open(self._source)
        return self._capture.isOpened()

    def complaints(self) -> str:
        """What the decoder complained about since the last call."""
        return self._complaints.take()

    def _why_not(self, took_s: float) -> Ended:
        known = diagnosis(self._complaints.take())
        if known is not None:
            return known
        if self._source.type == "file":
            return Ended(Cause.NOT_VIDEO, "the file is no video that can be decoded")
        if took_s >= self._source.open_timeout_s * _NEARLY:
            return Ended(Cause.SILENT, f"no answer within {self._source.open_timeout_s:g} s")
        return Ended(Cause.BROKEN, "the camera does not give a stream that can be opened")


def shrink(picture: Pixels, columns: int, rows: int) -> Luma:
    """Mean luma (BT.601) of each cell, float32 (rows, columns); reads a part of the rows only."""
    step = max(1, picture.shape[0] // (rows * _ROWS_A_CELL))
    small = cv2.resize(picture[::step], (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _open(source: SourceRequest) -> cv2.VideoCapture:
    if source.type == "usb":
        wanted = {
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
            cv2.CAP_PROP_FRAME_WIDTH: source.width,
            cv2.CAP_PROP_FRAME_HEIGHT: source.height,
            cv2.CAP_PROP_BUFFERSIZE: 1,
        }
        capture = cv2.VideoCapture(source.target, cv2.CAP_V4L2)
        for name, value in wanted.items():
            capture.set(name, value)
        return capture
    wanted = {
        cv2.CAP_PROP_N_THREADS: 1,
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(source.open_timeout_s * _MILLI),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(source.read_timeout_s * _MILLI),
    }
    flat = [number for pair in wanted.items() for number in pair]
    return cv2.VideoCapture(with_login(source), cv2.CAP_FFMPEG, flat)


def _misfit(width: int, height: int) -> Ended:
    if width * height > MAX_PIXELS:
        text = f"a picture of {width}x{height} is larger than 4096x2160: choose a smaller stream"
        return Ended(Cause.TOO_LARGE, text)
    return Ended(Cause.NOT_VIDEO, f"a picture of {width}x{height} cannot be used")
