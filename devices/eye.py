"""Everything that is done to one picture before anybody else sees it, in the only allowed order.

First the privacy mask, then a small grey picture of what is left, then what that says: does it
move, is it bright, is it the same as before, is it of use for faces. Pure but for the picture,
which is blacked out in place; the shrinking is passed in: the fast one is a picture library's.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.capture_wire import CaptureRequest
from devices.frames import Pixels
from devices.mask import PrivacyMask
from devices.motion import Luma, Motion, MotionGate
from devices.picture_care import Condition, PictureCare
from devices.stillness import Look, Stillness

GRID_SIDE = 160  # cells along the longer side of the small picture
SAMPLED_ROWS = 64

Shrink = Callable[[Pixels, int, int], Luma]


class Eye:
    """Looks at one camera's pictures of one size, in px."""

    def __init__(self, request: CaptureRequest, width: int, height: int, shrink: Shrink) -> None:
        """*shrink* makes (picture, columns, rows) the mean luma of each cell, float32."""
        side = max(width, height)
        self._columns = max(1, round(GRID_SIDE * width / side))
        self._rows = max(1, round(GRID_SIDE * height / side))
        self._sample_step = max(1, height // SAMPLED_ROWS)
        self._shrink = shrink
        self._mask = PrivacyMask(request.mask, width, height)
        visible = self._mask.visible_cells(self._columns, self._rows)
        self._gate = MotionGate(visible, area=request.motion_area, hold_s=request.hold_s)
        self._stillness = Stillness(visible)
        self._care = PictureCare(visible)
        self.condition = Condition()

    def attend(self, until_s: float) -> None:
        """Find every picture worth a look until then (monotonic)."""
        self._gate.attend(until_s)

    def awake(self, now_s: float) -> bool:
        """Whether something moved a moment ago, or somebody asked to look."""
        return self._gate.open(now_s)

    def see(self, picture: Pixels, now_s: float) -> tuple[Motion, Look]:
        """Mask *picture*, uint8 (height, width, 3) BGR, in place, and judge what is left."""
        self._mask.apply(picture)
        luma = self._shrink(picture, self._columns, self._rows)
        step = self._sample_step
        sample = picture[step // 2 :: step, :, 1]
        self.condition = self._care.see(luma, sample, now_s)
        return self._gate.see(luma, now_s), self._stillness.see(luma, sample, now_s)
