"""A capture child that a hostile camera took over. Started in the place of the real one.

Its last argument, the camera's name, says what it tries. It begins as a good child does, unless it
tries something from the start.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from devices.capture_wire import Beat, Cause, Ended, FrameReady, Opening, encode

BEAT = encode(Beat(25, 5, 1, 0, 64, 48, 100, 30, 3, 0, 0))


def nonsense(link: socket.socket, _: int) -> None:
    """Bytes that are no message."""
    link.send(b"\x00\xffwhatever")


def long(link: socket.socket, _: int) -> None:
    """A datagram that is longer than any message."""
    link.send(b'{"message":"opening","confined":"' + b"x" * 9000 + b'"}')


def slot(link: socket.socket, _: int) -> None:
    """A slot that does not exist."""
    link.send(encode(FrameReady(1, 99, time.monotonic_ns(), 64, 48, 0.5)))


def size(link: socket.socket, _: int) -> None:
    """A picture larger than a slot."""
    link.send(encode(FrameReady(1, 0, time.monotonic_ns(), 1 << 40, 1 << 40, 0.5)))


def again(link: socket.socket, _: int) -> None:
    """Opening when it is opened."""
    link.send(encode(Opening("")))


def flood(link: socket.socket, _: int) -> None:
    """As many messages as the socket takes, for ever."""
    link.settimeout(None)
    while True:
        link.send(BEAT)


def shrink(_: socket.socket, memory: int) -> None:
    """Cut the memory off under the parent's feet, then give it frames of it."""
    try:
        os.ftruncate(memory, 0)
    except PermissionError:
        os._exit(77)


def deaf(link: socket.socket, _: int) -> None:
    """Close the socket and live on, deaf to everything but SIGKILL."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})
    link.close()


def lies(link: socket.socket, _: int) -> None:
    """A reason that would forge a line of a log."""
    link.send(b'{"message":"ended","cause":"login","reason":"x\\nERROR all doors open"}')


def finish(link: socket.socket, _: int) -> None:
    """Say that all is over, so that nobody comes back to look."""
    link.send(encode(Ended(Cause.FINISHED, "the end")))


def future(link: socket.socket, _: int) -> None:
    """A frame from long ago, and one that would never grow old."""
    link.send(encode(FrameReady(1, 0, 1, 64, 48, 0.5)))
    link.send(encode(FrameReady(2, 1, time.monotonic_ns() + 10**15, 64, 48, 0.5)))


TRICKS: dict[str, Callable[[socket.socket, int], None]] = {
    trick.__name__: trick
    for trick in (nonsense, long, slot, size, again, flood, shrink, deaf, lies, finish, future)
}


def main() -> None:
    """Begin well, then try it, then hang."""
    descriptor, memory, _, name = sys.argv[1:]
    link = socket.socket(fileno=int(descriptor))
    link.recv(64 * 1024)
    link.send(encode(Opening("")))
    link.send(BEAT)
    TRICKS[name](link, int(memory))
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
