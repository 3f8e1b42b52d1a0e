"""How a capture child gives up what it does not need, before it touches a hostile stream.

In two steps: :func:`lower` at once, :func:`lock_down` when all libraries are loaded. Nothing here
needs root, nothing here fails the camera: where a kernel cannot, the rest still holds and the
parent is told what does. The parent's side is the systemd unit, which holds everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from devices.capture_wire import SourceRequest
from devices.landlock import restrict
from devices.preflight import host_and_port
from devices.seccomp import load_filter

MAX_DATA = 640 * 1024 * 1024
_NICER = 5
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_LIMITS = (
    (resource.RLIMIT_CORE, 0),  # a core file would hold faces
    (resource.RLIMIT_FSIZE, 0),  # nothing is ever written to a disk
    (resource.RLIMIT_NOFILE, 64),
    (resource.RLIMIT_DATA, MAX_DATA),  # a stream that claims to be huge is refused, not believed
)
_NAME_SERVICE = tuple(
    Path("/etc") / name
    for name in ("hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "ld.so.cache")
)
_LIBRARIES = (Path("/usr/lib"), Path("/lib"), Path("/lib64"))


def lower(parent: int) -> bool:
    """Die with process *parent*, gain nothing, dump nothing, stand back; False: it died already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    for limit, value in _LIMITS:
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(limit)
            ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (ceiling, ceiling))
    with contextlib.suppress(OSError):
        os.nice(_NICER)
    return os.getppid() == parent


def lock_down(source: SourceRequest) -> str:
    """Keep only what reading *source* takes; returns what holds, as in ``landlock seccomp``.

    A USB camera needs ioctls and writing on its device: it is not put behind Landlock. Python's own
    folders stay readable, for libraries that import late.
    """
    held = []
    network, usb = source.type == "rtsp", source.type == "usb"
    ports = [host_and_port(source.target)[1]] if network else []
    needed = (*_NAME_SERVICE, *_LIBRARIES) if network else (Path(source.target),)
    readable = (*needed, *(Path(entry) for entry in sys.path if entry))
    if not usb and restrict(readable, ports):
        held.append("landlock")
    if load_filter(network=network, writing=usb):
        held.append("seccomp")
    return " ".join(held)
