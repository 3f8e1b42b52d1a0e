"""One camera's capture process: ``python -m devices.capture_child SOCKET MEMORY PARENT NAME``.

SOCKET and MEMORY are inherited descriptors, PARENT the pid to die with, NAME only for people who
read process lists. Everything else, the camera's password above all, comes over the socket.
Here: the order in which the process gives up its rights, loads, opens and ends. It starts light:
what a plain socket or stat can tell is told before the picture libraries are loaded.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback

from devices.capture_link import ChildLink, ParentGoneError
from devices.capture_wire import CaptureRequest, Cause, Ended, Opening
from devices.confine import lock_down, lower
from devices.preflight import decoder_environment, obstacle

EXIT_ENDED = 0
EXIT_PARENT_GONE = 3
EXIT_CRASHED = 70


def main(arguments: list[str]) -> int:
    """Capture until the stream or the parent ends; the exit status says which."""
    descriptor, memory, parent = (int(text) for text in arguments[:3])
    if not lower(parent):
        return EXIT_PARENT_GONE
    link = ChildLink(socket.socket(fileno=descriptor))
    try:
        request = link.request()
        ended = obstacle(request.source) or _capture(request, link, memory)
        link.last_word(ended)
    except ParentGoneError:
        return EXIT_PARENT_GONE
    return EXIT_CRASHED if ended.cause is Cause.CRASHED else EXIT_ENDED


def _capture(request: CaptureRequest, link: ChildLink, memory: int) -> Ended:
    try:
        return _decode(request, link, memory)
    except ParentGoneError:
        raise
    except MemoryError:
        return Ended(Cause.TOO_LARGE, "the picture needs more memory than allowed")
    except Exception as error:  # noqa: BLE001  # told to the parent, without texts of libraries
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
        return Ended(Cause.CRASHED, f"{type(error).__name__} at {place}")


def _decode(request: CaptureRequest, link: ChildLink, memory: int) -> Ended:
    os.environ.update(decoder_environment(request.source))
    # Loaded late and only here: a camera that is off costs no 40 MB and no 0.1 s each time.
    from devices import capture  # noqa: PLC0415
    from devices.capture_loop import CaptureLoop  # noqa: PLC0415
    from devices.frames import FrameMemory, Layout  # noqa: PLC0415

    frames = FrameMemory(memory, Layout(request.slots, request.slot_bytes))
    os.close(memory)
    complaints = capture.Complaints()
    link.send(Opening(lock_down(request.source)))
    try:
        stream = capture.OpenCvStream(request.source, complaints)
    except capture.CannotOpenError as error:
        return error.ended
    loop = CaptureLoop(
        request, stream, frames, link, shrink=capture.shrink, monotonic_ns=time.monotonic_ns
    )
    return loop.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
