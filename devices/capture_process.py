"""The parent's end of one capture child: start it, hear it, kill it, bury it. Never blocks.

The child is started from a list with two inherited descriptors (a socket, the frame memory) and an
environment made here; the request, which may hold a password, goes over the socket. Here: I/O with
one process. Not here: when to start and kill (``devices.capture_keeper``).
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

from agent.core.errors import DeviceError
from agent.core.ids import CameraName
from devices.camera_frame import Frame
from devices.capture_wire import (
    MAX_MESSAGE,
    CaptureRequest,
    FrameReady,
    Order,
    Release,
    Report,
    WireError,
    decode_report,
    encode,
    encode_request,
)
from devices.frames import FrameMemory, Layout, create_memory

MODULE = "devices.capture_child"
_MOST_REPORTS = 256  # heard at a time: a child that shouts does not hold the parent up
_ROOT = Path(__file__).resolve().parents[1]
_INSTALLED = _ROOT.name in {"site-packages", "dist-packages"}
_ENVIRONMENT = ({} if _INSTALLED else {"PYTHONPATH": str(_ROOT)}) | {
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}


class CaptureProcess:
    """One capture child, from its start until it is reaped.

    Start it from a thread that lives as long as the camera (the main thread): the kernel kills the
    child when the thread that started it ends.
    """

    def __init__(self, name: CameraName, request: CaptureRequest) -> None:
        """Start a child called *name*; DeviceError when the system does not let us."""
        layout = Layout(request.slots, request.slot_bytes)
        first = encode_request(request)
        memory = create_memory(layout)
        self._name = name
        self._held: set[int] = set()
        self._hung_up = False
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, memory)
            try:
                self._memory = FrameMemory(memory, layout)
                self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                undo.enter_context(theirs)
                keep = undo.enter_context(contextlib.ExitStack())
                keep.callback(self._socket.close)
                self._socket.setblocking(False)
                self._socket.send(first)
                self._process = _spawn(name, theirs.fileno(), memory)
                self._death = os.pidfd_open(self._process.pid)
                keep.pop_all()
            except OSError as error:
                raise DeviceError(f"no capture process for camera {name}: {error}") from error

    @property
    def pid(self) -> int:
        """The child's process id; valid until it is reaped."""
        return self._process.pid

    def fileno(self) -> int:
        """Readable when the child said something, and for ever once it hung up."""
        return self._socket.fileno()

    @property
    def death(self) -> int:
        """A descriptor that is readable once the child is gone."""
        return self._death

    def hear(self) -> list[Report]:
        """What the child said since; WireError when it is nothing a child may say."""
        reports: list[Report] = []
        while not self._hung_up and len(reports) < _MOST_REPORTS:
            try:
                data, _, flags, _ = self._socket.recvmsg(MAX_MESSAGE)
            except BlockingIOError:
                break
            except ConnectionResetError:
                continue  # told once when the child left orders unread; its last words are behind
            except OSError:
                data, flags = b"", 0
            if not data:
                self._hung_up = True
            elif flags & socket.MSG_TRUNC:
                raise WireError(f"a message longer than {MAX_MESSAGE} bytes")
            else:
                reports.append(decode_report(data))
        return reports

    @property
    def hung_up(self) -> bool:
        """Whether the child closed its end: it is ending, or has ended."""
        return self._hung_up

    def tell(self, order: Order) -> bool:
        """Give an order; False when the child does not read or is gone."""
        try:
            self._socket.send(encode(order))
        except OSError:
            return False
        return True

    def frame(self, ready: FrameReady) -> Frame:
        """The frame that the child says is ready; WireError when that cannot be."""
        if ready.slot in self._held:
            raise WireError("a frame in a slot that was not given back")
        try:
            pixels = self._memory.picture(ready.slot, ready.width, ready.height)
        except DeviceError as error:
            raise WireError(str(error)) from error
        self._held.add(ready.slot)
        return Frame(self._name, ready, pixels, partial(self._give_back, ready.slot))

    def _give_back(self, slot: int) -> None:
        self._held.discard(slot)
        self.tell(Release(slot))

    def kill(self) -> None:
        """SIGKILL; nothing happens when it is reaped already."""
        self._process.kill()

    def reap(self) -> int | None:
        """The exit status, negative for a signal, once the child is gone; None before."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait for the child's end; False when it did not come in time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Hang up, once; after reaping. The memory goes when the last frame of it is dropped."""
        self._socket.close()
        os.close(self._death)


def _spawn(name: str, descriptor: int, memory: int) -> subprocess.Popen[bytes]:
    numbers = (str(number) for number in (descriptor, memory, os.getpid()))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE, *numbers, name],
        env=_ENVIRONMENT,
        pass_fds=(descriptor, memory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
