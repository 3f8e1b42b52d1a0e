"""Memory of a program that sees faces: given back to the system, and wiped as it is freed."""

from __future__ import annotations

import ctypes
import gc

_M_PERTURB = -6
_M_ARENA_MAX = -8
_FILL = 0x5A


def give_back_memory() -> None:
    """Return what is free to the system; glibc keeps tens of megabytes otherwise."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # no glibc
        return


def share_one_heap() -> bool:
    """Have all threads take memory from one heap; False without glibc. To be called before any.

    A heap of its own for each thread keeps fifty kilobytes of each; one thread at a time runs here.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (OSError, AttributeError):
        return False


def wipe_what_is_freed() -> bool:
    """Have glibc overwrite every piece of memory that is freed from now on; False without glibc.

    A picture, a chip, a template or what a network made of them is then gone when it is let go, not
    when somebody happens to write over it. Python's own small objects (up to 512 bytes) and numpy's
    (under 1 KiB) are kept by them and stay: whoever holds a template in one wipes it.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_PERTURB, _FILL))
    except (OSError, AttributeError):
        return False
