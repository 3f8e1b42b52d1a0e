"""No core dumps: a core file of this program would hold keys and templates."""

from __future__ import annotations

import contextlib
import ctypes
import resource

_PR_SET_DUMPABLE = 4


def forbid_dumps() -> None:
    """Leave no core file, and let no other process of this user read our memory.

    Undoable only by another exec. Where the system cannot, the rest still holds.
    """
    with contextlib.suppress(OSError, ValueError):  # a service manager may have done it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
