"""The shared memory of frames: sealed, without a name, and never larger than agreed."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from agent.core.errors import DeviceError
from agent.core.ids import CameraName
from devices.camera_frame import Frame
from devices.capture_wire import FrameReady
from devices.frames import MAX_PIXELS, FrameMemory, Layout, create_memory, fits

LAYOUT = Layout(slots=2, slot_bytes=64 * mmap.PAGESIZE)


@pytest.fixture
def memory() -> FrameMemory:
    descriptor = create_memory(LAYOUT)
    try:
        return FrameMemory(descriptor, LAYOUT)
    finally:
        os.close(descriptor)


def test_two_processes_would_see_the_same_picture() -> None:
    descriptor = create_memory(LAYOUT)
    ours, theirs = FrameMemory(descriptor, LAYOUT), FrameMemory(descriptor, LAYOUT)
    os.close(descriptor)
    theirs.picture(1, 64, 48)[10, 20] = (1, 2, 3)
    assert ours.picture(1, 64, 48)[10, 20].tolist() == [1, 2, 3]
    assert not ours.picture(0, 64, 48).any()


def test_nobody_can_shrink_or_grow_it() -> None:
    descriptor = create_memory(LAYOUT)
    for size in (0, LAYOUT.total_bytes - 1, LAYOUT.total_bytes * 2):
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, size)
    os.close(descriptor)


def test_it_has_no_name_on_any_disk() -> None:
    descriptor = create_memory(LAYOUT)
    link = Path(f"/proc/self/fd/{descriptor}").readlink()
    os.close(descriptor)
    assert str(link).startswith("/memfd:")
    assert str(link).endswith("(deleted)")


def test_room_for_4k_takes_memory_only_where_pictures_are() -> None:
    descriptor = create_memory(Layout())
    picture = FrameMemory(descriptor, Layout()).picture(0, 640, 360)
    picture.fill(7)
    used = os.fstat(descriptor).st_blocks * 512
    os.close(descriptor)
    assert used <= picture.nbytes + 64 * mmap.PAGESIZE


@pytest.mark.parametrize(
    ("width", "height"),
    [(0, 0), (-64, 64), (16, 64), (64, 16), (8193, 100), (4096, 2161), (1 << 40, 1 << 40)],
)
def test_sizes_that_are_refused(memory: FrameMemory, width: int, height: int) -> None:
    assert not fits(width, height)
    with pytest.raises(DeviceError):
        memory.picture(0, width, height)


@pytest.mark.parametrize(
    ("width", "height"), [(3840, 2160), (4096, 2160), (2688, 1520), (2160, 3840), (160, 120)]
)
def test_sizes_that_are_accepted(width: int, height: int) -> None:
    assert fits(width, height)
    assert width * height <= MAX_PIXELS


@pytest.mark.parametrize(("slot", "width"), [(2, 64), (-1, 64), (0, 1000)])
def test_a_picture_stays_in_its_slot(memory: FrameMemory, slot: int, width: int) -> None:
    with pytest.raises(DeviceError):
        memory.picture(slot, width, 480)


def test_memory_of_another_size_is_not_mapped() -> None:
    descriptor = create_memory(LAYOUT)
    with pytest.raises(DeviceError, match="not"):
        FrameMemory(descriptor, Layout())
    os.close(descriptor)


@pytest.mark.parametrize(("slots", "slot_bytes"), [(1, 4096), (9, 4096), (2, 0), (2, 4097)])
def test_layouts_that_make_no_sense(slots: int, slot_bytes: int) -> None:
    with pytest.raises(ValueError, match="slots"):
        Layout(slots, slot_bytes)


def test_a_released_frame_is_wiped_given_back_once_and_not_read_again(
    memory: FrameMemory,
) -> None:
    given_back: list[int] = []
    pixels = memory.picture(0, 64, 48)
    pixels.fill(200)
    ready = FrameReady(seq=1, slot=0, monotonic_ns=5, width=64, height=48, share=0.5)
    with Frame(CameraName("north"), ready, pixels, lambda: given_back.append(0)) as frame:
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            frame.pixels[0, 0, 0] = 1
    frame.release()
    assert given_back == [0]
    assert not memory.picture(0, 64, 48).any()
    with pytest.raises(DeviceError, match="after its release"):
        _ = frame.pixels
