"""Shared memory for frames: slots in one anonymous memory file that never has a name on a disk.

The parent makes the file and seals its size, so a hostile child can neither shrink it under the
parent's feet (SIGBUS) nor grow it without end. Slots have room for the largest picture allowed,
but only pages that a picture touched take memory. Here: the memory. Not here: who may use which
slot when (``devices.capture_loop``, ``devices.capture_process``).
"""

from __future__ import annotations

import fcntl
import mmap
import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.core.errors import DeviceError

Pixels = npt.NDArray[np.uint8]

CHANNELS = 3
MAX_PIXELS = 4096 * 2160
MAX_SIDE = 8192
MIN_SIDE = 32
MAX_SLOTS = 8
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True)
class Layout:
    """How the memory is cut: ``slots`` of ``slot_bytes`` each, a multiple of the page size."""

    slots: int = 2
    slot_bytes: int = MAX_PIXELS * CHANNELS

    def __post_init__(self) -> None:
        if not 2 <= self.slots <= MAX_SLOTS:
            raise ValueError(f"2 to {MAX_SLOTS} slots, not {self.slots}")
        if self.slot_bytes <= 0 or self.slot_bytes % mmap.PAGESIZE:
            raise ValueError(f"slots of {self.slot_bytes} bytes are no whole pages")

    @property
    def total_bytes(self) -> int:
        """The size of the memory file."""
        return self.slots * self.slot_bytes


def fits(width: int, height: int) -> bool:
    """Whether a picture of that size in px is accepted: up to 4096x2160, in any shape."""
    sides = MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE
    return sides and width * height <= MAX_PIXELS


def create_memory(layout: Layout) -> int:
    """A sealed memory file; returns its descriptor, which the caller closes.

    Raises DeviceError when the system gives none.
    """
    descriptor = -1
    try:
        descriptor = os.memfd_create("gatehouse-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, layout.total_bytes)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        raise DeviceError(f"no shared memory for frames: {error}") from error
    return descriptor


class FrameMemory:
    """The slots, mapped into this process. The mapping lives as long as a picture of it does."""

    def __init__(self, descriptor: int, layout: Layout) -> None:
        """Map *descriptor*, which stays the caller's; DeviceError when it is not that size."""
        size = os.fstat(descriptor).st_size
        if size != layout.total_bytes:
            raise DeviceError(f"shared memory of {size} bytes, not {layout.total_bytes}")
        self._layout = layout
        self._map = mmap.mmap(descriptor, size)

    def picture(self, slot: int, width: int, height: int) -> Pixels:
        """The slot as a writable picture, uint8 (height, width, 3) BGR; DeviceError on nonsense."""
        if not 0 <= slot < self._layout.slots:
            raise DeviceError(f"there is no slot {slot}")
        count = width * height * CHANNELS
        if not fits(width, height) or count > self._layout.slot_bytes:
            raise DeviceError(f"a picture of {width}x{height} has no room in a slot")
        flat = np.frombuffer(self._map, np.uint8, count, slot * self._layout.slot_bytes)
        return flat.reshape(height, width, CHANNELS)
