"""The vision program's loop: cameras in, sightings out, a beat every second.

One thread does everything in turn, so a beat proves that the whole way works; systemd is told with
it, and kills what gives none for 10 s (``WatchdogSec``). No turn lasts nearly as long: it is one
frame for each camera, with a beat in between where one is due, and one photo. A camera that hangs
costs its capture process; a pack that fails costs face work; cameras are watched either way.

Where there is more to look at than the machine can, frames are left out and none is looked at late
(captures keep the newest one only). The camera that was not looked at for longest comes first: its
old frame is given back unseen, and the fresh one is looked at next.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from typing import assert_never

from agent.border import messages as border
from agent.border.protection import Convert, Protect
from agent.core.errors import GatehouseError
from agent.core.events import CameraState
from agent.runtime.sdnotify import Notifier
from agent.vision.care import FaceCare
from agent.vision.client import CoreClient
from agent.vision.faces import FaceWork
from agent.vision.photos import PhotoWork
from agent.vision.replacing import GalleryWork
from devices.camera import Camera

log = logging.getLogger(__name__)

BEAT_S = 1.0
ATTEND_S = 2.0
MAX_WAIT_S = 0.2


class VisionProgram:
    """Runs until ``stop``."""

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        faces: FaceWork | None,
        client: CoreClient,
        notifier: Notifier,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._cameras = cameras
        self._next = list(cameras)
        self._faces = faces
        self._client = client
        self._notifier = notifier
        self._monotonic_ns = monotonic_ns
        self._selector = selectors.DefaultSelector()
        self._client_fd: int | None = None
        self._photos: deque[PhotoWork] = deque()
        self._gallery: GalleryWork | None = None
        self._beats = 0
        self._beat_due_s = 0.0
        self._stopped = False

    def stop(self) -> None:
        """End after the present turn; safe in a signal handler."""
        self._stopped = True

    def run(self) -> None:
        """Take turns until stopped."""
        for camera in self._cameras.values():
            self._selector.register(camera, selectors.EVENT_READ)
        self._notifier.ready(f"{len(self._cameras)} cameras")
        try:
            while not self._stopped:
                self._turn()
        finally:
            for camera in self._cameras.values():
                camera.close()
            self._client.close()
            self._selector.close()

    def _turn(self) -> None:
        self._connect()
        self._selector.select(self._wait_s())
        self._hear_core()
        for _ in self._cameras:
            if not self._look_at_next():
                break
        if self._faces is not None:
            self._faces.forget(self._monotonic_ns())
        self._renew_gallery()
        self._do_a_photo()
        self._beat_if_due()

    def _wait_s(self) -> float:
        if self._photos or self._gallery is not None:
            return 0.0
        waits = [camera.wait_s() for camera in self._cameras.values()]
        beat_s = max(self._beat_due_s - self._now_s(), 0.0)
        return min(MAX_WAIT_S, beat_s, *waits)

    def _connect(self) -> None:
        if self._client.ensure():
            self._photos.clear()  # what an earlier core asked for
            self._gallery = None
            for name, camera in self._cameras.items():
                self._report(name, camera.state, "")
        descriptor = self._client.fileno()
        if descriptor != self._client_fd:
            if self._client_fd is not None:
                with contextlib.suppress(KeyError, ValueError, OSError):
                    self._selector.unregister(self._client_fd)
            if descriptor is not None:
                self._selector.register(descriptor, selectors.EVENT_READ)
            self._client_fd = descriptor

    def _hear_core(self) -> None:
        while (heard := self._client.receive()) is not None:
            message, beside = heard
            try:
                self._obey(message, beside)
            except GatehouseError as error:
                log.warning("%s from the core is not used: %s", message.message, error)

    def _obey(self, message: border.FromCore, beside: bytes) -> None:
        if self._faces is None:
            return
        match message:
            case border.Gallery():
                self._gallery = GalleryWork(self._faces, message, beside)
            case border.Embed():
                self._photos.append(PhotoWork(self._faces, message, beside))
            case border.FaceSwitch(on=on):
                self._faces.switch(on=on)
                log.info("face work is %s", "on" if on else "off")
            case Protect():
                self._faces.protect(message, beside)
            case Convert():
                self._client.send(*self._faces.convert(message, beside))
            case _:
                assert_never(message)

    def _renew_gallery(self) -> None:
        if self._faces is None or self._gallery is None:
            return
        try:
            if not self._gallery.step(self._monotonic_ns):
                return
            log.info("%d entries are searched for", self._faces.entries)
        except GatehouseError as error:
            log.warning("gallery from the core is not used: %s", error)
        self._gallery = None

    def _do_a_photo(self) -> None:
        if not self._photos or self._gallery is not None:
            return
        try:
            answer = self._photos[0].step()
        except GatehouseError as error:
            log.warning("photos from the core are not used: %s", error)
            self._photos.popleft()
            return
        if answer is not None:
            self._photos.popleft()
            self._client.send(*answer)

    def _look_at_next(self) -> bool:
        """Look at one frame, of the camera that waits for longest; False when there is none."""
        for name in self._next:
            looked = self._look(name, self._cameras[name])
            self._beat_if_due()
            if looked:
                self._next.remove(name)
                self._next.append(name)
                return True
        return False

    def _look(self, name: str, camera: Camera) -> bool:
        polled = camera.poll()
        for verdict in polled.verdicts:
            if self._faces is not None and verdict.state is CameraState.LOST:
                self._faces.camera_lost(name)
            self._report(name, verdict.state, verdict.reason)
        if polled.frame is None:
            return False
        with polled.frame as frame:
            if self._faces is None:
                return True
            sightings, followed = self._faces.look(frame)
        for sighting in sightings:
            log.info("camera %s: %s", name, sighting.band)
            self._client.send(sighting, self._faces.pictures.take(sighting))
        if followed:
            camera.attend(ATTEND_S)
        return True

    def _report(self, name: str, state: CameraState | None, reason: str) -> None:
        if state is not None:
            report = border.CameraReport(name, state, reason[:300], self._monotonic_ns())
            self._client.send(report)

    def _beat_if_due(self) -> None:
        if self._now_s() >= self._beat_due_s:
            self._beat()

    def _beat(self) -> None:
        self._beat_due_s = self._now_s() + BEAT_S
        self._beats += 1
        faces = self._faces
        self._client.send(
            border.Beat(
                number=self._beats,
                cameras={name: _figures(one, faces) for name, one in self._cameras.items()},
                tracks=faces.counts.tracks if faces else 0,
                compared=faces.compared if faces else 0,
                leads=faces.counts.leads if faces else 0,
                reviews=faces.counts.reviews if faces else 0,
                gallery=faces.entries if faces else 0,
                generation=faces.generation if faces else 0,
            )
        )
        statistics = faces.statistics() if faces else None
        if statistics is not None:
            self._client.send(statistics)
        self._notifier.alive()

    def _now_s(self) -> float:
        return self._monotonic_ns() / 1e9


def _figures(camera: Camera, faces: FaceWork | None) -> border.CameraFigures:
    figures = camera.figures()
    care = faces.care(camera.name) if faces else FaceCare()
    return border.CameraFigures(
        state=figures.state,
        reason=figures.reason[:300],
        fps=figures.fps,
        looked_fps=figures.looked_fps,
        width=figures.width,
        height=figures.height,
        restarts=figures.restarts,
        broken_frames=figures.broken_frames,
        picture=figures.picture,
        concerns=[concern.value for concern in figures.concerns],
        identify=care.grade(figures.picture),
        face_px=care.size_px,
    )


def hello(faces: FaceWork | None, fault: str) -> border.Hello:
    """The first message to the core."""
    if faces is None:
        return border.Hello(os.getpid(), None, review_only=False, models=[], fault=fault[:300])
    engine = faces.engine
    models = [border.ModelInfo(m.role, m.model_id, m.sha256) for m in engine.models]
    return border.Hello(os.getpid(), engine.model_id, engine.review_only, models, fault="")
