"""What the core believes of the vision program and its cameras. Pure: messages and times in.

::

    absent   --hello-->            present
    present  --beat-->             present
    present  --no beat for 10 s--> silent      every camera lost
    silent   --beat-->             present     cameras as the beat says
    present, silent --hung up-->   absent      every camera lost after 10 s
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from agent.border.messages import Beat, CameraReport
from agent.core.clock import NS_PER_S, Stamp
from agent.core.events import CameraChanged, CameraState
from agent.core.ids import CameraName

SILENCE_NS = 10 * NS_PER_S
START_GRACE_NS = 30 * NS_PER_S
NO_ANSWER = "the vision program does not answer"


class Presence(StrEnum):
    """How the vision program does."""

    ABSENT = "absent"
    PRESENT = "present"
    SILENT = "silent"


class VisionWatch:
    """Turns beats, reports and silence into camera events; each change is told once."""

    def __init__(self, cameras: Iterable[str], now: Stamp) -> None:
        self._states: dict[CameraName, CameraState | None] = {CameraName(c): None for c in cameras}
        self._heard_ns = now.monotonic_ns + START_GRACE_NS - SILENCE_NS
        self.presence = Presence.ABSENT

    def hello(self) -> None:
        """Vision connected. No sign of life of the cameras: it may crash again and again."""
        self.presence = Presence.PRESENT

    def beat(self, beat: Beat, now: Stamp) -> list[CameraChanged]:
        """Vision is alive and says how its cameras do."""
        self._heard_ns = now.monotonic_ns
        self.presence = Presence.PRESENT
        changes = []
        for name, figures in beat.cameras.items():
            if figures.state is not None:
                changes += self._change(CameraName(name), figures.state, figures.reason, now)
        return changes

    def report(self, report: CameraReport, now: Stamp) -> list[CameraChanged]:
        """A camera changed; told before the next beat."""
        self._heard_ns = now.monotonic_ns
        return self._change(CameraName(report.camera), report.state, report.reason, now)

    def hung_up(self) -> None:
        """The connection ended."""
        self.presence = Presence.ABSENT

    def check(self, now: Stamp) -> list[CameraChanged]:
        """What silence means by now."""
        if now.monotonic_ns - self._heard_ns < SILENCE_NS:
            return []
        if self.presence is Presence.PRESENT:
            self.presence = Presence.SILENT
        changes = []
        for camera in self._states:
            changes += self._change(camera, CameraState.LOST, NO_ANSWER, now)
        return changes

    @property
    def states(self) -> Mapping[CameraName, CameraState | None]:
        """Each camera's last known state; None: not known yet."""
        return self._states

    def _change(
        self, camera: CameraName, state: CameraState, reason: str, now: Stamp
    ) -> list[CameraChanged]:
        if camera not in self._states or self._states[camera] is state:
            return []
        first = self._states[camera] is None
        self._states[camera] = state
        if first and state is CameraState.OK:
            return []
        return [CameraChanged(now, camera, state, reason)]
