"""One camera as the vision program sees it: the newest frame worth a look, and how it does.

Behind it runs one capture child at a time (``devices.capture_process``), kept alive by
``devices.capture_keeper`` and judged by ``devices.camera_health``. Nothing here decodes and nothing
here blocks: a camera that hangs, lies or attacks costs its child and no one else. Not for threads:
every call comes from the one that made the camera, and that one lives as long (see CaptureProcess).
"""

from __future__ import annotations

import logging
import math
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass

from agent.config.schema.vision import Camera as CameraConfig
from agent.config.schema.vision import FileSource, RtspSource
from agent.core.errors import DeviceError
from agent.core.events import CameraState
from agent.core.ids import CameraName
from devices.camera_figures import Figures, Tally
from devices.camera_frame import Frame
from devices.camera_health import CameraJudge, Limits, Verdict
from devices.capture_keeper import CaptureKeeper, Happening, Patience, Phase
from devices.capture_process import CaptureProcess
from devices.capture_request import HOLD_S, request_for
from devices.capture_wire import Attend, Beat, Cause, Ended, FrameReady, Opening, WireError
from devices.pace import Chatter

log = logging.getLogger(__name__)

MAX_AGE_S = 0.5
_NS = 1_000_000_000
_LOAD_S = 15.0  # python, numpy and cv2 on a Pi with every core busy
_BURIAL_S = 1.0
_MOST_MESSAGES_A_S = 100.0  # 30 frames, a beat, and room
_HAPPENINGS = {Opening: Happening.LOADED, Beat: Happening.BEAT}


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of one poll: at most one frame, the newest, and changes of the camera's state."""

    frame: Frame | None
    verdicts: tuple[Verdict, ...]


class Camera:
    """One configured camera. ``fileno`` stays the same over restarts of its capture."""

    def __init__(
        self,
        name: CameraName,
        config: CameraConfig,
        *,
        monotonic_ns: Callable[[], int],
        uniform: Callable[[], float],
        max_age_s: float = MAX_AGE_S,
        hold_s: float = HOLD_S,
    ) -> None:
        """The first poll starts the capture; *uniform* returns a float in [0, 1) (back-off).

        A frame older than *max_age_s* when it is polled is given back unseen: a fresh one follows.
        Frames keep coming for *hold_s* after the last motion.
        """
        self._name = name
        self._config = config
        self._monotonic_ns = monotonic_ns
        self._max_age_ns = round(max_age_s * _NS)
        self._hold_s = hold_s
        now_s = self._now_s()
        self._keeper = CaptureKeeper(_patience(config), uniform, now_s)
        self._judge = CameraJudge(_limits(config), now_s)
        self._tally = Tally()
        self._chatter = Chatter(_MOST_MESSAGES_A_S)
        self._epoll = select.epoll()
        self._process: CaptureProcess | None = None
        self._ended: Ended | None = None
        self._told: Cause | None = None
        self._reason = ""
        self._attended_until_s = -math.inf

    @property
    def name(self) -> CameraName:
        """As configured."""
        return self._name

    @property
    def state(self) -> CameraState | None:
        """None while the camera starts for the first time."""
        return self._judge.state

    @property
    def finished(self) -> bool:
        """Whether a file that is not looped came to its end: nothing more will come."""
        return self._keeper.phase is Phase.DONE

    @property
    def pid(self) -> int | None:
        """The present capture child."""
        return None if self._process is None else self._process.pid

    def fileno(self) -> int:
        """Readable when :meth:`poll` has something to do; for select, epoll and event loops."""
        return self._epoll.fileno()

    def wait_s(self) -> float:
        """Seconds after which :meth:`poll` is due though nothing is readable; may be infinite."""
        if self.finished:
            return math.inf
        return max(min(self._keeper.due_s(), self._judge.due_s()) - self._now_s(), 0.0)

    def poll(self) -> Polled:
        """Do what is due, without waiting for anything."""
        now_s = self._now_s()
        frame: Frame | None = None
        verdicts: list[Verdict] = []
        process = self._process
        if process is not None:
            status = process.reap()  # before hearing: what a dead child said last is there then
            frame, verdicts = self._hear(process, now_s)
            if status is not None:
                self._bury(process, status, now_s)
        if self._keeper.kill_is_due(now_s):
            self._kill("the capture hung and was killed")
        if self._keeper.start_is_due(now_s):
            self._start(now_s)
        if not self.finished:
            verdicts += self._judged(self._judge.look(now_s, self._reason))
        return Polled(frame, tuple(verdicts))

    def attend(self, for_s: float) -> None:
        """Keep frames coming for *for_s* seconds, moving or not: somebody is being followed."""
        until_s = self._now_s() + for_s
        if self._process is not None and until_s - self._attended_until_s >= for_s / 2:
            self._attended_until_s = until_s
            self._process.tell(Attend(for_s))

    def figures(self) -> Figures:
        """What the heartbeat tells about this camera."""
        return self._tally.figures(self.state, self._reason, self._keeper.restarts)

    def close(self) -> None:
        """Kill the capture and wait for its end, for a second at most."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            if not process.wait(_BURIAL_S):
                log.warning("camera %s: its capture is stuck in the kernel", self._name)
            process.close()
        self._epoll.close()

    def _now_s(self) -> float:
        return self._monotonic_ns() / _NS

    def _start(self, now_s: float) -> None:
        try:
            process = CaptureProcess(self._name, request_for(self._config, self._hold_s))
        except DeviceError as error:
            self._keeper.gone(now_s, None)
            self._judge.began(now_s)
            self._failed(Cause.CRASHED, str(error))
            return
        self._process, self._ended = process, None
        self._keeper.started(now_s)
        self._judge.restarted()
        self._tally.restarted()
        self._attended_until_s = -math.inf
        for descriptor in (process.fileno(), process.death):
            self._epoll.register(descriptor, select.EPOLLIN)

    def _hear(self, process: CaptureProcess, now_s: float) -> tuple[Frame | None, list[Verdict]]:
        """Take in what the child said; one that says what it may not is killed."""
        frame: Frame | None = None
        verdicts: list[Verdict] = []
        listening = not process.hung_up
        try:
            reports = process.hear()
            if self._chatter.too_much(len(reports), now_s):
                raise WireError("more messages than a camera can cause")
            for report in reports:
                if isinstance(report, FrameReady):
                    if frame is not None:
                        frame.release()
                    frame = self._framed(process, report)
                else:
                    self._heard(report, now_s, verdicts)
        except WireError as error:
            self._kill(f"the capture talks nonsense and was killed: {error}")
        if listening and process.hung_up:
            self._epoll.unregister(process.fileno())
        if frame is not None and self._monotonic_ns() - frame.monotonic_ns > self._max_age_ns:
            frame.release()
            frame = None
        return frame, verdicts

    def _framed(self, process: CaptureProcess, ready: FrameReady) -> Frame:
        if ready.monotonic_ns > self._monotonic_ns():
            raise WireError("a frame from the future")
        return process.frame(ready)

    def _heard(self, report: Opening | Beat | Ended, now_s: float, verdicts: list[Verdict]) -> None:
        if self._keeper.phase in {Phase.DYING, Phase.DONE}:
            return
        happening = _HAPPENINGS.get(type(report), Happening.GONE)
        if not self._keeper.may(happening):
            raise WireError(f"{type(report).__name__} out of turn")
        if isinstance(report, Opening):
            self._keeper.loaded(now_s)
            self._judge.began(now_s)
            self._tally.loaded(report.confined)
        elif isinstance(report, Ended):
            self._ended = report
            if report.cause is Cause.FINISHED:
                self._finish()
        else:
            self._keeper.beat(now_s)
            self._tally.beat(report, now_s)
            verdicts += self._judged(self._judge.beat(report, now_s, self._reason))

    def _finish(self) -> None:
        """The capture says its file is at its end: so it may, if that is what it plays."""
        source = self._config.source
        plausible = isinstance(source, FileSource) and not source.loop
        if not plausible or not self._keeper.may(Happening.FINISHED):
            raise WireError("an end of what has none")
        self._keeper.finished()
        if self._process is not None:
            self._process.kill()

    def _judged(self, verdict: Verdict | None) -> list[Verdict]:
        if verdict is None:
            return []
        if verdict.state is CameraState.OK:
            self._told = None
            log.info("camera %s is ok", self._name)
        else:
            log.warning("camera %s is %s: %s", self._name, verdict.state, verdict.reason)
        if verdict.state is CameraState.FROZEN:
            self._kill("its capture is started again")
        self._reason = verdict.reason
        return [verdict]

    def _kill(self, why: str) -> None:
        """SIGKILL the child, unless it is dying already."""
        if self._process is not None and self._keeper.may(Happening.KILLED):
            self._process.kill()
            self._keeper.killed()
            self._failed(Cause.CRASHED, why)

    def _bury(self, process: CaptureProcess, status: int, now_s: float) -> None:
        """The child is gone and reaped: let go of what is left, see to it that another follows."""
        if not process.hung_up:
            self._epoll.unregister(process.fileno())
        self._epoll.unregister(process.death)
        process.close()
        self._process = None
        killed = self._keeper.phase is Phase.DYING
        cause = None if self._ended is None else self._ended.cause
        self._keeper.gone(now_s, cause)
        self._judge.began(now_s)
        if self._ended is not None:
            self._failed(self._ended.cause, self._ended.reason)
        elif not killed:
            self._failed(Cause.CRASHED, _exit_text(status))

    def _failed(self, cause: Cause, reason: str) -> None:
        """Keep why there is no picture; log it loudly the first time, quietly when it repeats."""
        self._reason = reason
        known = cause in {self._told, Cause.FINISHED}
        level = logging.DEBUG if known else logging.WARNING
        log.log(level, "camera %s: %s", self._name, reason)
        self._told = cause


def _exit_text(status: int) -> str:
    if status >= 0:
        return f"the capture ended with exit status {status}"
    return f"the capture was ended by {signal.Signals(-status).name}"


def _patience(config: CameraConfig) -> Patience:
    open_s = config.source.open_timeout_s if isinstance(config.source, RtspSource) else 10.0
    return Patience(load_s=_LOAD_S + open_s, open_s=open_s + 5.0, run_s=config.stall_s)


def _limits(config: CameraConfig) -> Limits:
    return Limits(
        stall_s=config.stall_s,
        frozen_s=config.frozen_s,
        dark_s=config.dark_s,
        dark_level=config.dark_level,
    )
