"""The capture child's loop: grab every frame, look at few, hand over those worth it, beat.

Pictures are decoded straight into the slot that is this side's own, so a frame nobody wants costs
no copy. At most all slots but one are with the parent; when they are, the newest frame waits in the
own slot and is replaced by newer ones: there is never a queue. Here: the order of things. Not here:
the decoder (``devices.capture``), what a picture says (``devices.eye``), processes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from devices.capture_link import ChildLink
from devices.capture_wire import Attend, Beat, CaptureRequest, Cause, Ended, FrameReady, Order
from devices.eye import Eye, Shrink
from devices.frames import FrameMemory, Pixels
from devices.motion import Motion
from devices.pace import Budget, Edge, FileTempo
from devices.preflight import diagnosis
from devices.stillness import Look

BEAT_S = 1.0
FRESH_S = 0.4  # a frame that waited longer for a free slot is not worth handing over
_FALSE_GRABS = 5
_KEPT_COMPLAINTS = 2000
_NS = 1_000_000_000
_NOTHING_SEEN = Look(0.0, 0.0, 0.0, 0.0)


class Stream(Protocol):
    """An opened source of pictures."""

    @property
    def live(self) -> bool:
        """True for cameras, False for files."""

    @property
    def fps(self) -> float:
        """Frames a second as declared, 0 when unknown."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""

    def grab(self) -> tuple[bool, bool]:
        """Take the next frame: whether there is one, and whether it had to be waited for."""

    def silent(self) -> bool:
        """Whether the last grab ended because nothing came within the read timeout."""

    def position_s(self) -> float:
        """Where in the file the frame stands."""

    def retrieve(self, into: Pixels) -> Pixels | None:
        """The grabbed frame, in *into* when its size is right, else elsewhere; None: broken."""

    def restart(self) -> bool:
        """Begin a file again; False when it cannot be opened any more."""

    def complaints(self) -> str:
        """What the decoder complained about since the last call."""


@dataclass(frozen=True, slots=True)
class _Pending:
    slot: int
    taken_ns: int
    motion: Motion


@dataclass(slots=True)
class _Tally:
    """Counts since the start, see ``Beat``."""

    grabbed: int = 0
    looked: int = 0
    sent: int = 0
    broken: int = 0


class CaptureLoop:
    """One opened stream, until it ends."""

    def __init__(
        self,
        request: CaptureRequest,
        stream: Stream,
        memory: FrameMemory,
        link: ChildLink,
        *,
        shrink: Shrink,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._request = request
        self._stream = stream
        self._memory = memory
        self._link = link
        self._shrink = shrink
        self._monotonic_ns = monotonic_ns
        self._size = stream.size
        self._eye = Eye(request, *self._size, shrink)
        self._attend_until_s = 0.0
        self._budget = Budget(request.fps)
        self._edge = Edge(self._now_s())
        self._tempo = FileTempo(stream.fps)
        self._out: set[int] = set()
        self._pending: _Pending | None = None
        self._tally = _Tally()
        self._last_look = _NOTHING_SEEN
        self._beat_due_s = 0.0
        self._in_this_pass = 0
        self._false_grabs = 0
        self._complaints = ""

    def run(self) -> Ended:
        """Capture until the stream ends; ParentGoneError when the parent does first."""
        while True:
            self._tend(self._now_s())
            there, waited = self._stream.grab()
            now_s = self._now_s()
            self._note_complaints()
            if not self._stream.live and there:
                self._wait_for_its_time(now_s)
            elif self._stream.live:
                self._edge.grabbed(now_s, waited=waited)
            ended = self._grabbed() if there else self._missed()
            if ended is not None:
                return ended

    def _now_s(self) -> float:
        return self._monotonic_ns() / _NS

    def _tend(self, now_s: float) -> None:
        """What is due beside the stream: orders, the waiting frame, the beat."""
        for order in self._link.orders():
            self._obey(order, now_s)
        if self._pending is not None:
            self._hand_over(self._pending)
        if now_s >= self._beat_due_s:
            self._beat_due_s = now_s + BEAT_S
            self._link.send(self._beat(now_s))

    def _beat(self, now_s: float) -> Beat:
        tally, look, condition = self._tally, self._last_look, self._eye.condition
        return Beat(
            grabbed=tally.grabbed,
            looked=tally.looked,
            sent=tally.sent,
            broken=tally.broken,
            width=self._size[0],
            height=self._size[1],
            luma=round(look.luma, 2),
            spread=round(look.spread, 2),
            detail=round(look.detail, 3),
            still_s=round(look.still_s, 3),
            behind_s=round(self._edge.behind_s(now_s), 3) if self._stream.live else 0.0,
            sharp=round(condition.sharp, 3),
            blown=round(condition.blown, 3),
            deep=round(condition.deep, 3),
            same=round(condition.same, 3),
        )

    def _obey(self, order: Order, now_s: float) -> None:
        if isinstance(order, Attend):
            self._attend_until_s = max(self._attend_until_s, now_s + order.for_s)
            self._eye.attend(self._attend_until_s)
        else:
            self._out.discard(order.slot)

    def _note_complaints(self) -> None:
        complaints = self._stream.complaints()
        if complaints:
            self._complaints = (self._complaints + complaints)[-_KEPT_COMPLAINTS:]
            self._tally.broken += 1

    def _wait_for_its_time(self, now_s: float) -> None:
        due_s = self._tempo.due_s(self._stream.position_s(), now_s)
        while now_s < due_s:
            told = self._link.wait(min(due_s, self._beat_due_s) - now_s)
            now_s = self._now_s()
            if told or now_s >= self._beat_due_s:
                self._tend(now_s)

    def _grabbed(self) -> Ended | None:
        self._false_grabs = 0
        self._in_this_pass += 1
        self._tally.grabbed += 1
        if self._stream.silent():
            return self._silence()
        taken_ns = self._monotonic_ns()
        now_s = taken_ns / _NS
        awake = self._eye.awake(now_s)
        if not self._budget.due(now_s, awake=awake):
            return None
        if self._stream.live and not self._edge.may_look(now_s):
            return None
        self._budget.spend(now_s, awake=awake)
        self._edge.looked(now_s)
        self._look(taken_ns)
        return None

    def _missed(self) -> Ended | None:
        """No frame: a hiccup, the end of a file, or the end of the stream."""
        if self._stream.silent():
            return self._silence()
        if not self._stream.live:
            return self._end_of_file()
        self._false_grabs += 1
        if self._false_grabs < _FALSE_GRABS:
            return None
        known = diagnosis(self._complaints)
        if known is not None and known.cause is not Cause.NOT_VIDEO:
            return known
        if self._tally.grabbed == 0:
            return Ended(Cause.NOT_VIDEO, "the camera sends no picture that can be decoded")
        return Ended(Cause.BROKEN, "the camera ended the stream")

    def _silence(self) -> Ended:
        return Ended(Cause.SILENT, f"no data for {self._request.source.read_timeout_s:g} s")

    def _end_of_file(self) -> Ended | None:
        if self._in_this_pass == 0:
            return Ended(Cause.NOT_VIDEO, "the file holds no picture that can be decoded")
        self._in_this_pass = 0
        if not self._request.source.loop:
            return Ended(Cause.FINISHED, "the file is at its end")
        if not self._stream.restart():
            return Ended(Cause.NO_STREAM, "the file cannot be opened again")
        return None

    def _look(self, taken_ns: int) -> None:
        slot = self._own_slot()
        self._pending = None
        picture = self._stream.retrieve(self._memory.picture(slot, *self._size))
        if picture is None:
            self._tally.broken += 1
            return
        if picture.shape[:2] != self._size[::-1]:
            picture = self._resized(picture, slot)
        motion, look = self._eye.see(picture, taken_ns / _NS)
        if self._tally.looked == 0:
            self._beat_due_s = 0.0
        self._tally.looked += 1
        self._last_look = look
        if motion.worth:
            self._hand_over(_Pending(slot, taken_ns, motion))

    def _resized(self, picture: Pixels, slot: int) -> Pixels:
        """The stream changed its size: begin anew with it; DeviceError when it is too large."""
        height, width = picture.shape[:2]
        own = self._memory.picture(slot, width, height)
        own[:] = picture
        self._size = (width, height)
        self._eye = Eye(self._request, width, height, self._shrink)
        self._eye.attend(self._attend_until_s)
        self._beat_due_s = 0.0
        return own

    def _own_slot(self) -> int:
        return next(slot for slot in range(self._request.slots) if slot not in self._out)

    def _hand_over(self, frame: _Pending) -> None:
        """Give the parent the frame in the own slot, or let it wait while the parent is busy."""
        self._pending = None
        if self._monotonic_ns() - frame.taken_ns > FRESH_S * _NS:
            return
        if len(self._out) >= self._request.slots - 1:
            self._pending = frame
            return
        ready = FrameReady(
            seq=self._tally.sent + 1,
            slot=frame.slot,
            monotonic_ns=frame.taken_ns,
            width=self._size[0],
            height=self._size[1],
            share=round(frame.motion.share, 5),
            moving=frame.motion.where,
        )
        if self._link.send(ready):
            self._out.add(frame.slot)
            self._tally.sent += 1
